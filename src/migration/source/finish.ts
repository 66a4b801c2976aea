import type { MigrationResult } from "../../contract/migration.ts";
import { readDumpStats } from "../../host/criu/images/stats.ts";
import type { Move } from "./move.ts";

/** Ends the original, and removes it unless it is kept. */
export async function finish(move: Move): Promise<MigrationResult> {
  const { context, migration, record, space } = move;
  move.enter("finish", record.keepSource ? "Ending the original, which is kept" : "Removing the original");
  await context.step("finish", {}, () => migration.baton.owed.settled());
  migration.forget();
  return move.result(await readDumpStats(space.work));
}
