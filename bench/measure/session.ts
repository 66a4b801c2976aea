import { setTimeout as sleep } from "node:timers/promises";
import type { Case, LabName } from "../cases.ts";
import type { LabDetails } from "../report/details.ts";
import type { Run } from "../run.ts";
import { type BenchLab, clearHosts, openLab } from "./bench-lab.ts";
import { alignClocks, tellTime } from "./clocks.ts";
import type { Floors } from "./floor.ts";
import { runGodwit } from "./godwit.ts";
import { limitLink, linkRate, listenForStreams } from "./link.ts";
import { runDocker } from "./peers/docker.ts";
import { runPodman } from "./peers/podman.ts";
import type { Built } from "./programs.ts";
import { runTlsStream } from "./tls-stream.ts";
import { residentMiB } from "./usage.ts";

/** An agent that has just started still loads and compiles its code: its idle memory is measured after this time. */
const startedMs = 5000;

/** A larger error would show in the downtime. */
const mostClockErrorMs = 20;

/** A lab that is up for cases of its kind, one after another. */
export class Session {
  readonly lab: BenchLab;
  readonly details: LabDetails;
  readonly #floors: Floors;

  private constructor(lab: BenchLab, details: LabDetails, floors: Floors) {
    this.lab = lab;
    this.details = details;
    this.#floors = floors;
  }

  /** `floors` are the floors of this run of the bench. A lab that replaces another one uses them again. */
  static async open(
    kind: LabName,
    name: string,
    built: Built,
    floors: Floors,
    say: (line: string) => void,
  ): Promise<Session> {
    const lab = await openLab(kind, name, built, say);
    await sleep(startedMs);
    const idleAgentMiB = await residentMiB(lab);
    await listenForStreams(lab);
    await tellTime(lab);
    const runtimes = "$(runc --version | head -1), CRIU $(criu --version | sed -n 's/^Version: //p')";
    const versions = await lab.on("h1", `echo $(${lab.engine.version}), ${runtimes}`);
    return new Session(lab, { versions, idleAgentMiB, linkRates: {} }, floors);
  }

  /** Sets the limit of the link for a case, and measures the link once for each limit. */
  async prepare({ linkMbits }: Case): Promise<void> {
    await limitLink(this.lab, linkMbits);
    const link = linkMbits === null ? "no limit" : `${linkMbits} Mbit/s`;
    this.details.linkRates[link] ??= await linkRate(this.lab);
  }

  /** Makes one run of a case; `index` counts from 0. Then removes from the hosts what the run left. */
  async run(measured: Case, index: number, signal: AbortSignal): Promise<Run> {
    const within = await alignClocks(this.lab);
    if (within > mostClockErrorMs) {
      throw new Error(`The clocks of the hosts agree only within ${within} ms; ${mostClockErrorMs} ms are needed.`);
    }
    try {
      return await this.#measure(measured, index, signal);
    } finally {
      await clearHosts(this.lab);
    }
  }

  async #measure(measured: Case, index: number, signal: AbortSignal): Promise<Run> {
    if (measured.tool === "docker") return runDocker(this.lab, measured);
    if (measured.tool === "tls-stream") return runTlsStream(this.lab, measured);
    if (measured.tool === "podman") return runPodman(this.lab, measured);
    const floor = await this.#floors.nth(this.lab, measured, index);
    if (measured.tool === "floor") {
      const steps = floor.parts.map((part) => ({ ...part, side: "source" as const, switchover: true }));
      return { downtimeMs: floor.ms, floorMs: floor.ms, steps };
    }
    return { ...(await runGodwit(this.lab, measured, signal)), floorMs: floor.ms };
  }
}
