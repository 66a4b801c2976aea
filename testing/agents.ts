import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type Agent, startAgent } from "../src/agent/agent.ts";
import type { AgentConfig } from "../src/agent/config.ts";
import type { OperationEvent } from "../src/contract/operations.ts";
import { createAuthority, issueCertificate } from "../src/transport/certificates.ts";
import { fakeWork } from "./fake-agent.ts";

/* Agents in folders of their own, which end with the test. */

export const silent = { info: () => {}, warn: () => {}, error: () => {} };

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-agent-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function configOf(folder: string, more: Partial<AgentConfig> = {}): AgentConfig {
  const [stateDir, runDir, pki] = ["state", "run", "pki"].map((name) => join(folder, name)) as [string, string, string];
  return { name: "h1", listen: undefined, hosts: {}, stateDir, runDir, pki, ...more };
}

export async function start(config: AgentConfig): Promise<Agent> {
  const agent = await startAgent(config, fakeWork, silent);
  let closed = false;
  const close = agent.close.bind(agent);
  agent.close = async () => {
    if (!closed) await close();
    closed = true;
  };
  onTestFinished(() => agent.close());
  return agent;
}

export async function writeKeys(folders: Record<string, string>): Promise<void> {
  const authority = await createAuthority();
  for (const [name, pki] of Object.entries(folders)) {
    const issued = await issueCertificate(authority, { name, addresses: ["127.0.0.1"] });
    mkdirSync(pki, { recursive: true });
    writeFileSync(join(pki, "ca.pem"), authority.certificate);
    writeFileSync(join(pki, "cert.pem"), issued.certificate);
    writeFileSync(join(pki, "key.pem"), issued.key);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

export async function all(events: AsyncIterable<OperationEvent>): Promise<OperationEvent[]> {
  const found: OperationEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}
