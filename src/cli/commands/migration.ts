import { GodwitError } from "../../contract/errors.ts";
import type { Migration } from "../../contract/migration.ts";
import { rate } from "../../contract/units.ts";
import { type Action, type CliCommand, examples, type Registration } from "../command.ts";
import { findMigration, listMigrations } from "../find-migration.ts";
import { type LimitOptions, limitOptions, settingsOf } from "../limit-options.ts";

export const migration: Registration = (program, action) => {
  const group = program
    .command("migration")
    .summary("list, show, watch, cancel and steer migrations")
    .description(
      "Lists, shows, watches, cancels and steers the migrations of all hosts. The beginning of an id is enough if only one migration has it.",
    )
    .addHelpText("after", examples("godwit migration ls", "godwit migration set 1a2b3c4d --bandwidth 400mbit"));
  looking(group, action);
  steering(group, action);
};

function looking(group: CliCommand, action: Action): void {
  group
    .command("ls")
    .json("`Migration[]`")
    .description("Lists the migrations of all hosts that answer. The newest is the last.")
    .addHelpText("after", examples("godwit migration ls", "godwit migration ls --json"))
    .action(
      action(async ({ connect, notice }, _options: object) => {
        const found = await listMigrations(await connect(), notice);
        return { view: "migrations", data: found.map(({ migration }) => migration) };
      }),
    );

  group
    .command("show")
    .json("`Migration`")
    .description("Shows a migration: its phase, its limits and its result.")
    .argument("<id>", "id of the migration")
    .addHelpText("after", examples("godwit migration show 1a2b3c4d"))
    .action(
      action(async ({ connect }, id: string, _options: object) => {
        const { migration } = await findMigration(await connect(), id);
        return { view: "migration", data: migration };
      }),
    );

  group
    .command("watch")
    .json("`Event` lines, then a `MigrationResult` line")
    .description("Follows a migration to its end. The first Ctrl-C cancels it. The second one only stops following it.")
    .argument("<id>", "id of the migration")
    .addHelpText("after", examples("godwit migration watch 1a2b3c4d"))
    .action(
      action(async ({ connect, follow }, id: string, _options: object) => {
        const { client, migration } = await findMigration(await connect(), id);
        const operation = client.call("operation", { params: { id: migration.id } });
        return { view: "ended", data: await follow(client, operation) };
      }),
    );
}

function steering(group: CliCommand, action: Action): void {
  group
    .command("cancel")
    .json("`Migration`")
    .description(
      "Cancels a migration. The container keeps running where it is, and nothing of it stays on the destination. After the switchover a migration cannot be cancelled.",
    )
    .argument("<id>", "id of the migration")
    .addHelpText("after", examples("godwit migration cancel 1a2b3c4d"))
    .action(
      action(async ({ connect }, asked: string, _options: object) => {
        const { client, migration } = await findMigration(await connect(), asked);
        const { id, container, source } = migration;
        refuseEnded(migration);
        await client.call("cancelOperation", { params: { id } });
        const data = await client.call("migration", { params: { id } });
        return { view: "done", data: { lines: [`cancelling ${id}: ${container} keeps running on ${source}`], data } };
      }),
    );

  const set = group
    .command("set")
    .json("`Migration`")
    .description("Changes the limits of a running migration at once.")
    .argument("<id>", "id of the migration");
  limitOptions(set)
    .addHelpText(
      "after",
      examples(
        "godwit migration set 1a2b3c4d --bandwidth 400mbit",
        "godwit migration set 1a2b3c4d --downtime-limit 500ms --drain-bandwidth unlimited",
      ),
    )
    .action(
      action(async ({ connect }, asked: string, options: LimitOptions) => {
        const body = settingsOf(options);
        if (Object.keys(body).length === 0) {
          throw new GodwitError("usage", "No limit is given.", {
            hint: "Give at least one of --downtime-limit, --bandwidth and --drain-bandwidth.",
          });
        }
        const { client, migration } = await findMigration(await connect(), asked);
        refuseEnded(migration);
        const data = await client.call("setMigration", { params: { id: migration.id }, body });
        const { downtimeLimitMs, bandwidth, drainBandwidth } = data.settings;
        const lines = [
          `${data.id}: downtime limit ${downtimeLimitMs} ms, bandwidth ${rate(bandwidth)}, drain bandwidth ${rate(drainBandwidth)}`,
        ];
        return { view: "done", data: { lines, data } };
      }),
    );

  group
    .command("switch")
    .json("`Migration`")
    .description("Starts the switchover of a pre-copy migration now, before its rounds converge.")
    .argument("<id>", "id of the migration")
    .addHelpText("after", examples("godwit migration switch 1a2b3c4d"))
    .action(
      action(async ({ connect }, asked: string, _options: object) => {
        const { client, migration } = await findMigration(await connect(), asked);
        refuseEnded(migration);
        const data = await client.call("switchMigration", { params: { id: migration.id } });
        return { view: "done", data: { lines: [`${data.id}: the switchover starts`], data } };
      }),
    );
}

/** @throws wrong-phase. The agent does not refuse to cancel an ended operation, so the command does. */
function refuseEnded({ id, container, state }: Migration): void {
  if (state === "running") return;
  throw new GodwitError("wrong-phase", `Migration ${id} of '${container}' has ended: ${state}.`, {
    hint: `See its result with: godwit migration show ${id}`,
  });
}
