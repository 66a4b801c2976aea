import { existsSync, readdirSync } from "node:fs";
import type { TestProject } from "vitest/node";
import { takeDown } from "./godwit.ts";
import { labsDir } from "./inside-lab.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The names of this run's labs begin with this. It contains the run's process id: so `npm test` finds the labs of a killed run. */
    labPrefix: string;
  }
}

/** At the end of a run, takes down the labs that its files shared. */
export default function setup(project: TestProject): () => Promise<void> {
  const prefix = `e2e-${process.pid}-`;
  project.provide("labPrefix", prefix);
  return async () => {
    const labs = existsSync(labsDir()) ? readdirSync(labsDir()).filter((name) => name.startsWith(prefix)) : [];
    await Promise.all(labs.map((name) => takeDown(name)));
  };
}
