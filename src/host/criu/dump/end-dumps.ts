import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killGroup } from "../../proc/process.ts";
import { startedWith } from "../../proc/process-table.ts";
import { isHeld } from "./held-config.ts";
import { configFile } from "./held-runc.ts";

const lookAgainMs = 50;

/**
 * Returns when no dump of the container is under way any more, also none that an agent before this one began, and sees to it that
 * nothing waits for a reader that will not come. CRIU puts the freezer back at its end to what it found, so that a thaw before it
 * would not last.
 */
export async function endDumps(id: string): Promise<void> {
  for (let dumps = await dumpsOf(id); dumps.length > 0; dumps = await dumpsOf(id)) {
    for (const { pid, words } of dumps) {
      const after = (option: string) => words[words.indexOf(option) + 1] ?? "";
      // What was never let go on has done nothing. What was must not be killed: see HeldDump.
      if (await isHeld(join(after("--work-path"), configFile))) killGroup(pid);
      else if (words.includes("--lazy-pages")) leave(Number(after("--page-server").split(":")[1]));
    }
    await sleep(lookAgainMs);
  }
}

/** Ends what was never let go on of the dumps with this work folder. When the folder has gone it cannot be told any more. */
export async function dropHeldDumps(work: string): Promise<void> {
  if (!(await isHeld(join(work, configFile)))) return;
  for (const { pid } of await dumpsOf(work)) killGroup(pid);
}

/** CRIU takes one reader; one that leaves without a word ends the dump. */
function leave(port: number): void {
  const reader = connect({ host: "127.0.0.1", port });
  reader.on("error", () => {});
  reader.on("connect", () => reader.end());
}

/** The processes of runc that dump, with this word among their arguments. */
const dumpsOf = (named: string) => startedWith("checkpoint", named);
