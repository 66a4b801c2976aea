import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { dockerSocket } from "./inside-lab.ts";
import { patience } from "./wait.ts";

interface Lab {
  name: string;
}

// Tests look hundreds of times. A call of Docker's API takes a twentieth of the processor time of the command `docker`.

/** What `docker logs NAME 2>&1` prints, trimmed. Fails if Docker has no such log. */
export async function readLog(lab: Lab, host: string, name: string): Promise<string> {
  const { status, type, body } = await get(dockerSocket(lab.name, host), `/containers/${name}/logs?stdout=1&stderr=1`);
  if (status !== 200) throw new Error(`On ${host}, Docker has no log of ${name} (${status}): ${body}`);
  return (type.endsWith("multiplexed-stream") ? joined(body) : body).toString().trim();
}

/**
 * The state of a container (`running`, `exited`, ...); undefined if there is none or Docker does not answer. Fails if the host is not
 * up.
 */
export async function readState(lab: Lab, host: string, name: string): Promise<string | undefined> {
  const answer = await get(dockerSocket(lab.name, host), `/containers/${name}/json`).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body.toString()) as { State: { Status: string } }).State.Status;
}

/** Does what `docker rm -f -v` does with all containers of a host. */
export async function removeContainers(lab: Lab, host: string): Promise<void> {
  const socket = dockerSocket(lab.name, host);
  const { status, body } = await ask("GET", socket, "/containers/json?all=1");
  if (status !== 200) throw new Error(`On ${host}, Docker lists no containers (${status}): ${body}`);
  const remove = async ({ Id }: { Id: string }) => {
    const removed = await ask("DELETE", socket, `/containers/${Id}?force=1&v=1`);
    // One that is gone by itself, as one of `docker run --rm`, is no fault.
    if (removed.status !== 204 && removed.status !== 404)
      throw new Error(`On ${host}, Docker does not remove the container ${Id} (${removed.status}): ${removed.body}`);
  };
  await Promise.all((JSON.parse(body.toString()) as { Id: string }[]).map(remove));
}

const get = (socketPath: string, path: string) => ask("GET", socketPath, path);

async function ask(method: "GET" | "DELETE", socketPath: string, path: string) {
  const signal = AbortSignal.timeout(60_000 * patience);
  const asked = request({ method, socketPath, path, agent: false, signal }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const body: Buffer[] = [];
  for await (const part of response) body.push(part as Buffer);
  const type = response.headers["content-type"] ?? "";
  return { status: response.statusCode ?? 0, type, body: Buffer.concat(body) };
}

/** Joins the output of a container without a terminal. Before each piece there are eight bytes; the last four are its length. */
function joined(pieces: Buffer): Buffer {
  const found: Buffer[] = [];
  for (let at = 0; at + 8 <= pieces.length; ) {
    const end = at + 8 + pieces.readUInt32BE(at + 4);
    found.push(pieces.subarray(at + 8, end));
    at = end;
  }
  return Buffer.concat(found);
}
