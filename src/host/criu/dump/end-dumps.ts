import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { killGroup } from "../../proc/process.ts";
import { startedWith } from "../../proc/process-table.ts";
import { isHeld } from "./held-config.ts";
import { configFile } from "./held-runc.ts";

const lookAgainMs = 50;

/**
 * Ends all dumps of a container, also those that an earlier agent began, and returns when none is left. It kills a held dump, ends
 * a lazy dump that serves its pages, and waits for the others. A thaw must come after this: CRIU ends by setting the freezer back to
 * the state that it found.
 * @param id the container's id
 */
export async function endDumps(id: string): Promise<void> {
  for (let dumps = await dumpsOf(id); dumps.length > 0; dumps = await dumpsOf(id)) {
    for (const { pid, words } of dumps) {
      const after = (option: string) => words[words.indexOf(option) + 1] ?? "";
      // A held dump has changed nothing and is safe to kill. A released one must not be killed: see HeldDump.
      if (await isHeld(join(after("--work-path"), configFile))) killGroup(pid);
      else if (words.includes("--lazy-pages")) leave(Number(after("--page-server").split(":")[1]));
    }
    await sleep(lookAgainMs);
  }
}

/** Kills the held dumps with this work folder. The folder must still exist, because it shows whether a dump is held. */
export async function dropHeldDumps(work: string): Promise<void> {
  if (!(await isHeld(join(work, configFile)))) return;
  for (const { pid } of await dumpsOf(work)) killGroup(pid);
}

/** Ends a dump that serves pages: CRIU takes one reader, and ends when that reader closes the connection. */
function leave(port: number): void {
  const reader = connect({ host: "127.0.0.1", port });
  reader.on("error", () => {});
  reader.on("connect", () => reader.end());
}

/** The processes of `runc checkpoint` that have `named` among their arguments. */
const dumpsOf = (named: string) => startedWith("checkpoint", named);
