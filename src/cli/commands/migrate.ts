import { Option } from "commander";
import type { AttachmentOptions } from "../../contract/attachments.ts";
import {
  type Compression,
  type InFlightAction,
  inFlightActions,
  type Mode,
  modeNames,
  type NoConvergence,
  noConvergenceActions,
} from "../../contract/migration.ts";
import { parseCompression } from "../../view/quantities.ts";
import { addAttachmentOptions, chosen } from "../attachment-options.ts";
import { examples, type Registration } from "../command.ts";
import { type LimitOptions, limitOptions, settingsOf } from "../limit-options.ts";

interface Options extends LimitOptions, AttachmentOptions {
  dryRun: boolean;
  mode: Mode;
  keepSource: boolean;
  verify: boolean;
  compress?: Compression;
  onNoConvergence?: NoConvergence;
  inFlight: InFlightAction;
}

export const migrate: Registration = (program, action) => {
  const command = program
    .command("migrate")
    .json("`Event` lines, then a `MigrationResult` line; with `--dry-run` a `MigrationPlan`")
    .summary("move a running container to another host")
    .description(
      "Moves a running container to another host without stopping it: processes, memory, files, volumes, connections and logs. Ctrl-C cancels the move. Until the switchover the container just keeps running. The phases are preflight (checks), prepare, sync (files and memory go), arm (the destination makes everything ready), switchover (the only stop), and drain (what is left of the memory follows).",
    )
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<host>", "destination host")
    .option("--dry-run", "only say what would happen, and what prevents the move", false)
    .addOption(
      new Option(
        "--mode <mode>",
        "how the memory is sent: precopy in rounds, each of which sends what was written since the one before, while the container runs on its source; postcopy after it has moved; cold while it stands still; auto chooses",
      )
        .choices(modeNames)
        .default("auto"),
    )
    .option("--keep-source", "keep the original, stopped, instead of removing it", false)
    .option(
      "--verify",
      "compare all memory that was sent in rounds with the original's under the freeze; the move fails where it differs",
      false,
    )
    .option(
      "--compress <level>",
      "compress memory that is sent in rounds: auto (only where that takes less time), off, or a level of zstd, 1 to 19 (default: auto)",
      (text: string) => parseCompression("--compress", text),
    )
    .addOption(
      new Option(
        "--on-no-convergence <action>",
        "what pre-copy does when more rounds do not shorten the downtime (default: postcopy)",
      ).choices(noConvergenceActions),
    )
    .addOption(
      new Option(
        "--in-flight <action>",
        "what becomes of unread inotify events, connections that are not accepted and transactions of SQLite, if the program does not handle them within 2 s",
      )
        .choices(inFlightActions)
        .default("lose"),
    )
    .addHelpText(
      "after",
      examples(
        "godwit migrate looper h2",
        "godwit migrate h2/looper h1 --dry-run",
        "godwit migrate looper h2 --bandwidth 400mbit --downtime-limit 500ms",
        "godwit migrate web h2 --bind copy --create-networks --tcp keep",
      ),
    );
  addAttachmentOptions(command);
  limitOptions(command);
  command.action(
    action(async ({ connect, follow }, ref: string, destination: string, options: Options) => {
      const { client, container } = await (await connect()).target(ref);
      const { dryRun, mode, keepSource, verify, compress, onNoConvergence, inFlight } = options;
      const body = {
        destination,
        mode,
        keepSource,
        verify,
        compress,
        onNoConvergence,
        inFlight,
        ...settingsOf(options),
        ...chosen(options),
      };
      if (dryRun) {
        const data = await client.call("plan", { params: { container }, body });
        return { view: "plan", data, exit: data.verdicts.some((verdict) => verdict.level === "fail") ? 5 : 0 };
      }
      const begun = client.call("migrate", { params: { container }, body });
      return { view: "ended", data: await follow(client, begun) };
    }),
  );
};
