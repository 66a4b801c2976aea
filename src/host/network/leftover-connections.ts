import { once } from "node:events";
import { execa } from "execa";
import { ifGone } from "../proc/gone.ts";
import { findRuncContainer } from "../runtime/runc.ts";
import { isHostNetwork } from "./traffic-block.ts";

/** The first line of the output shows that the script is in the namespace. */
const script = "echo ready && IFS= read -r go && exec ss --kill --tcp";

/**
 * Ends a container by `end`, and then closes what is left of its TCP connections. Use it if the peers must get no more packets of the
 * container. Without this the kernel would try for minutes to send the unsent bytes from a network without an interface. Those bytes
 * count towards this host's memory for TCP.
 */
export async function endWithoutLeftovers(container: string, end: () => Promise<void>): Promise<void> {
  const { network } = await inNetwork(container).catch(ifGone({ network: undefined }));
  try {
    await end();
    network?.stdin.write("go\n");
  } finally {
    network?.stdin.end();
    await network;
  }
}

/** Starts the script in the container's network namespace, which it keeps alive. Starts nothing for the host's own network. */
async function inNetwork(container: string) {
  const running = await findRuncContainer(container);
  if (!running || (await isHostNetwork(running.pid))) return { network: undefined };
  const network = execa("nsenter", ["--target", String(running.pid), "--net", "sh", "-c", script], { reject: false });
  network.stdin.on("error", () => {});
  await Promise.race([once(network.stdout, "data"), network]);
  return { network };
}
