import { labRun } from "../../src/lab/host/exec.ts";
import { labUp } from "../../src/lab/lab.ts";
import type { RunOptions } from "../../src/lab/run.ts";
import { type LabName, type LabShape, labs } from "../cases.ts";
import { type Engine, engines } from "./engine.ts";
import type { Built } from "./programs.ts";

/** Where the bench's own programs are in a host. */
export const toolFolder = "/usr/local/lib/bench";

/** A lab that is up, with the bench's programs in its hosts. Containers move from h1 to h2. */
export interface BenchLab {
  name: string;
  kind: LabName;
  /** Runs a shell script in a host; it must succeed. @returns its standard output, trimmed */
  on(host: string, script: string, options?: RunOptions): Promise<string>;
  engine: Engine;
}

export const hosts = ["h1", "h2"] as const;

/** Brings a lab up, and gives its hosts the bench's programs and the image `bench`. */
export async function openLab(
  kind: LabName,
  name: string,
  built: Built,
  say: (line: string) => void,
): Promise<BenchLab> {
  const { engine, ...shape }: LabShape = labs[kind];
  await labUp({ name, hosts: hosts.length, ...shape, onProgress: (line) => say(`  ${line}`) });
  const lab: BenchLab = {
    name,
    kind,
    engine: engines[engine],
    async on(host, script, options = {}) {
      const result = await labRun(name, host, script, options);
      if (result.status === 0) return result.stdout.trim();
      const output = `${result.stdout}${result.stderr}`.trim().split("\n").slice(-12).join("\n");
      throw new Error(`On ${host}, status ${result.status}: ${script}\n${output}`);
    },
  };
  for (const host of hosts) {
    await lab.on(host, `mkdir -p ${toolFolder} && tar -x -C ${toolFolder}`, { input: { file: built.tools } });
  }
  await giveImage(lab, built);
  return lab;
}

/** Both hosts get the same image with the same id: with another id on h2, a move would first send the image, or fail. */
async function giveImage(lab: BenchLab, { image, saved }: Built): Promise<void> {
  const { command, load } = lab.engine;
  await lab.on("h1", `cat >/root/image.tar && ${command} import /root/image.tar bench`, { input: { file: image } });
  await labRun(lab.name, "h1", `${command} save bench`, { outputFile: saved });
  await lab.on("h2", load, { input: { file: saved } });
}

/** Removes what a run left in the hosts. */
export async function clearHosts(lab: BenchLab): Promise<void> {
  await Promise.all(hosts.map((host) => lab.on(host, lab.engine.clear)));
}
