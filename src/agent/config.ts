import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as z from "zod";
import { GodwitError } from "../contract/errors.ts";
import { givenName } from "../contract/name-schemas.ts";
import { runFolder, stateFolder } from "../host/paths.ts";

const address = z.string().regex(/^(\[[0-9a-fA-F:.]+\]|[^:\s]+):\d{1,5}$/, "is not of the form ADDRESS:PORT");
const absolute = z.string().startsWith("/", "is not an absolute path");

const configFile = z.strictObject({
  name: givenName("host"),
  /** Where other agents reach this one; without it only the unix socket is served. */
  listen: address.optional(),
  /** Every host by its name, this one may be among them. */
  hosts: z.record(givenName("host"), address).default({}),
  /** Folder of ca.pem, cert.pem and key.pem; by default `pki` beside the file. */
  pki: absolute.optional(),
});

export interface AgentConfig {
  name: string;
  /** `ADDRESS:PORT`, as in `hosts`. */
  listen: string | undefined;
  hosts: Record<string, string>;
  /** Folders for the journal, and for the socket and the file with the process id. Fixed on a host (src/host/paths.ts). */
  stateDir: string;
  runDir: string;
  pki: string;
}

export const defaultConfigFile = "/etc/godwit/agent.json";

/** @throws GodwitError usage, with a line for everything that is wrong with the file */
export function readConfig(file: string = defaultConfigFile): AgentConfig {
  if (!existsSync(file)) {
    throw new GodwitError("usage", `The agent's configuration ${file} does not exist.`, {
      hint: `Write {"name": "h1", "listen": "ADDRESS:7480", "hosts": {"h1": "ADDRESS:7480", ...}} into it; 'godwit certificates' makes the keys.`,
    });
  }
  return parseConfig(file, readFileSync(file, "utf8"));
}

export function parseConfig(file: string, text: string): AgentConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(file, [error instanceof Error ? error.message : String(error)]);
  }
  const parsed = configFile.safeParse(value);
  if (!parsed.success) {
    throw wrong(
      file,
      parsed.error.issues.map((issue) => [issue.path.join("."), issue.message].filter(Boolean).join(": ")),
    );
  }
  const { listen, pki, ...rest } = parsed.data;
  return { ...rest, listen, stateDir: stateFolder, runDir: runFolder, pki: pki ?? join(dirname(file), "pki") };
}

const wrong = (file: string, details: string[]) =>
  new GodwitError("usage", `The agent's configuration ${file} is not valid.`, { details });
