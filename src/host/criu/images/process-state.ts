import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { statePath } from "../../paths.ts";
import { type HeldCommand, hold } from "../../proc/process.ts";
import type { ContainerProcess } from "../../proc/processes.ts";

/** File among the images with state that CRIU leaves out. runtime/state/state.h describes its lines. */
const stateFile = "state.godwit";

/** Processes, as `godwit-state` reads them. */
export const processLines = (processes: ContainerProcess[]): string =>
  processes.map(({ pid, hostPid }) => `${pid} ${hostPid}\n`).join("");

/** A program that waits for processes, because its start takes longer than its work. */
export interface StateSaver {
  /**
   * Saves, among the images, the state of these processes that CRIU leaves out: options of sockets, multicast groups, unread datagrams,
   * CPUs, timer slack, I/O priorities, core dump filters. The processes must be frozen, and stay so until it returns. CRIU may dump them
   * meanwhile. @throws command-failed
   */
  save(processes: ContainerProcess[]): Promise<void>;
  /** Ends it. Harmless after `save`. */
  drop(): void;
}

/** @param images folder of the dump */
export function prepareStateSaver(images: string): StateSaver {
  const held: HeldCommand = hold(statePath, ["save", join(images, stateFile)]);
  return {
    async save(processes) {
      await held.finish(processLines(processes));
    },
    drop: held.drop,
  };
}

/** Path of the saved state among the images; undefined where there is none, as in Docker's own checkpoints. */
export function savedState(images: string): string | undefined {
  const path = join(images, stateFile);
  return existsSync(path) ? path : undefined;
}

/**
 * The numbers in all lines of the saved state that begin with a word.
 * @param images folder of the dump
 */
export async function savedLines(images: string, word: string): Promise<number[][]> {
  const state = savedState(images);
  const lines = state ? (await readFile(state, "utf8")).split("\n") : [];
  return lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(" ").slice(1).map(Number));
}

/** What a user is told of a thing that could not be put back. */
export const notPutBack = (what: string): string => `Not as it was before: ${what}.`;
