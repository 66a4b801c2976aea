import { Option } from "commander";
import { type Mode, modes } from "../../contract/migration.ts";
import { examples, type Registration } from "../command.ts";

interface Options {
  dryRun: boolean;
  mode: Mode;
  keepSource: boolean;
}

export const migrate: Registration = (program, action) => {
  program
    .command("migrate")
    .summary("move a running container to another host")
    .description(
      "Moves a running container to another host without stopping it: processes, memory, files and logs. Ctrl-C cancels; until the switchover nothing has happened to it.",
    )
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<host>", "where it shall go")
    .option("--dry-run", "only say what would happen, and what would be in the way", false)
    .addOption(new Option("--mode <mode>", "how memory goes over").choices(modes).default("auto"))
    .option("--keep-source", "keep the original, stopped, instead of removing it", false)
    .addHelpText("after", examples("godwit migrate looper h2", "godwit migrate h2/looper h1 --dry-run"))
    .action(
      action(async ({ connect, follow }, ref: string, destination: string, options: Options) => {
        const { client, container } = await (await connect()).target(ref);
        const body = { destination, ...options };
        if (options.dryRun) {
          const data = await client.call("plan", { params: { container }, body });
          return { view: "plan", data, exit: data.verdicts.some((verdict) => verdict.level === "fail") ? 5 : 0 };
        }
        const begun = await client.call("migrate", { params: { container }, body });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};
