import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { dockerSocket } from "./inside-lab.ts";
import type { TestLab } from "./lab.ts";
import { patience } from "./wait.ts";

// Tests look hundreds of times. A call of Docker's API takes a twentieth of the processor time of the command `docker`.

/** What `docker logs NAME 2>&1` prints, trimmed. Fails if Docker has no such log. */
export async function readLog(lab: TestLab, host: string, name: string): Promise<string> {
  const { status, type, body } = await get(dockerSocket(lab.name, host), `/containers/${name}/logs?stdout=1&stderr=1`);
  if (status !== 200) throw new Error(`On ${host}, Docker has no log of ${name} (${status}): ${body}`);
  return (type.endsWith("multiplexed-stream") ? joined(body) : body).toString().trim();
}

/**
 * The state of a container (`running`, `exited`, ...); undefined if there is none or Docker does not answer. Fails if the host is not
 * up.
 */
export async function readState(lab: TestLab, host: string, name: string): Promise<string | undefined> {
  const answer = await get(dockerSocket(lab.name, host), `/containers/${name}/json`).catch(() => undefined);
  if (answer?.status !== 200) return undefined;
  return (JSON.parse(answer.body.toString()) as { State: { Status: string } }).State.Status;
}

async function get(socketPath: string, path: string) {
  const asked = request({ socketPath, path, agent: false, signal: AbortSignal.timeout(60_000 * patience) }).end();
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
