import type { MigrationResult } from "../../contract/migration.ts";
import { arm } from "./arm.ts";
import { drain } from "./drain.ts";
import { finish } from "./finish.ts";
import type { Move } from "./move.ts";
import { preflight } from "./preflight.ts";
import { prepare } from "./prepare.ts";
import { orGiveUp, run } from "./run.ts";
import { switchover } from "./switchover.ts";
import { sync } from "./sync.ts";

/**
 * Moves a running container to another host: the story of a migration on its source. Until the baton is offered every failure leaves
 * the container running here; after it, run, drain and finish say where it is.
 */
export async function migrate(move: Move): Promise<MigrationResult> {
  await using _released = move.undo;
  await orGiveUp(move, async () => {
    await preflight(move);
    await prepare(move);
    await sync(move);
    await arm(move);
    await switchover(move);
  });
  await run(move);
  await drain(move);
  return finish(move);
}
