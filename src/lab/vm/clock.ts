import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { GodwitError } from "../../contract/errors.ts";
import type { Reach } from "../reach.ts";

const rounds = 10;
/** A smaller difference cannot be measured through the connection and is left as it is. */
const toleranceS = 0.01;

/**
 * Sets a virtual machine's clock to this machine's clock, within a few milliseconds. Its own clock starts at a whole second:
 * without this, times in the log of a moved container would jump. @returns the seconds by which it was behind
 * @throws GodwitError `lab-failed`
 */
export async function setClock(host: string, reach: Reach): Promise<number> {
  const [command, ...args] = reach.command(["perl", "/opt/lab/clock.pl"]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
  // A command that has ended gives no line: `ask` reports that.
  child.stdin.on("error", () => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  try {
    const samples: ClockSample[] = [];
    const ask = async (line: string) => {
      const asked = Date.now() / 1000;
      child.stdin.write(`${line}\n`);
      const { value, done } = await lines.next();
      if (done) throw new GodwitError("lab-failed", `The clock of ${host} could not be set.`);
      return { asked, answered: Date.now() / 1000, theirs: Number(value) };
    };
    for (let i = 0; i < rounds; i++) samples.push(await ask(""));
    const behind = behindBy(samples);
    if (Math.abs(behind) > toleranceS) await ask(behind.toFixed(6));
    return behind;
  } finally {
    child.stdin.end();
    child.kill();
  }
}

/** One question for another clock, in seconds since 1970: `asked` and `answered` by this clock, `theirs` by the other one. */
export interface ClockSample {
  asked: number;
  answered: number;
  theirs: number;
}

/** The seconds by which the other clock is behind. The quickest answer decides, because it has the smallest error. */
export function behindBy(samples: ClockSample[]): number {
  const [best] = samples.toSorted((a, b) => a.answered - a.asked - (b.answered - b.asked));
  return best ? (best.asked + best.answered) / 2 - best.theirs : 0;
}
