import { once } from "node:events";
import { execa } from "execa";
import { ifGone } from "../proc/gone.ts";
import { findRuncContainer } from "../runtime/runc.ts";
import { isHostNetwork } from "./traffic-block.ts";

/** The first line of the output says that it is in the namespace. */
const script = "echo ready && IFS= read -r go && exec ss --kill --tcp";

/**
 * Ends a container whose peers are not to hear of it any more, and what is left of its connections. What a peer has not taken yet
 * the kernel would offer it for minutes, from a network that has no interface by then; it counts to what this host has for TCP.
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

/** Starts what ends connections in the container's network, which stays as long; nothing where that is the host's. */
async function inNetwork(container: string) {
  const running = await findRuncContainer(container);
  if (!running || (await isHostNetwork(running.pid))) return { network: undefined };
  const network = execa("nsenter", ["--target", String(running.pid), "--net", "sh", "-c", script], { reject: false });
  network.stdin.on("error", () => {});
  await Promise.race([once(network.stdout, "data"), network]);
  return { network };
}
