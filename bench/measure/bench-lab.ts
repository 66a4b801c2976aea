import { labRun } from "../../src/lab/exec.ts";
import { labDown, labUp } from "../../src/lab/lab.ts";
import type { RunOptions } from "../../src/lab/run.ts";
import { labStatus } from "../../src/lab/status.ts";
import { type LabName, labs } from "../cases.ts";
import type { Built } from "./programs.ts";

/** Where the bench's own programs are in a host. */
export const toolFolder = "/usr/local/lib/bench";

/** A lab of one kind, up and with the bench's programs in its hosts: h1, from which containers move to h2. */
export interface BenchLab {
  name: string;
  kind: LabName;
  /** Runs a shell script in a host; it must succeed. @returns its standard output, trimmed */
  on(host: string, script: string, options?: RunOptions): Promise<string>;
  /** As `on`, with whatever end. */
  attempt(host: string, script: string): Promise<void>;
  /** The lab's hosts, by what runs them. */
  docker: string;
  close(): Promise<void>;
}

export const hosts = ["h1", "h2"] as const;

/** Brings a lab up, and gives its hosts the bench's programs and the image `bench`. */
export async function openLab(
  kind: LabName,
  name: string,
  built: Built,
  say: (line: string) => void,
): Promise<BenchLab> {
  await labUp({
    name,
    hosts: hosts.length,
    releases: [...labs[kind].releases],
    onProgress: (line) => say(`  ${line}`),
  });
  const lab: BenchLab = {
    name,
    kind,
    docker: (await labStatus(name))[0]?.hosts[0]?.docker ?? "unknown",
    async on(host, script, options = {}) {
      const result = await labRun(name, host, script, options);
      if (result.status === 0) return result.stdout.trim();
      const words = `${result.stdout}${result.stderr}`.trim().split("\n").slice(-12).join("\n");
      throw new Error(`On ${host}, status ${result.status}: ${script}\n${words}`);
    },
    async attempt(host, script) {
      await labRun(name, host, script);
    },
    close: () => labDown(name),
  };
  for (const host of hosts) {
    await lab.on(host, `mkdir -p ${toolFolder} && tar -x -C ${toolFolder}`, { input: { file: built.tools } });
  }
  // The same image on both: with another one on h2, a move would send it first.
  await lab.on("h1", "docker import - bench", { input: { file: built.image } });
  await labRun(name, "h1", "docker save bench", { outputFile: built.saved });
  await lab.on("h2", "docker load", { input: { file: built.saved } });
  return lab;
}

/** Whatever a run left in the hosts. */
export async function clearHosts(lab: BenchLab): Promise<void> {
  await Promise.all(hosts.map((host) => lab.on(host, "docker ps -aq | xargs -r docker rm -f -v")));
}
