import { defaultConfigFile } from "../../agent/config.ts";
import { examples, type Registration } from "../command.ts";

export const agent: Registration = (program, action) => {
  program
    .command("agent")
    .json("nothing; the log on standard error always has JSON lines")
    .summary("run the agent of this host")
    .description("Runs the agent of this host until SIGTERM. It writes its log to stderr.")
    .option("--config <file>", "configuration file", defaultConfigFile)
    .addHelpText("after", examples("godwit agent", "godwit agent --config ./agent.json"))
    .action(
      action(async (_context, options: { config: string }) => {
        const [{ readConfig }, { runAgent }] = await Promise.all([
          import("../../agent/config.ts"),
          import("../../agent/run-agent.ts"),
        ]);
        await runAgent(readConfig(options.config));
        return { view: "nothing", data: null };
      }),
    );
};
