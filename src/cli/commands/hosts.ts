import { errorReport } from "../../contract/errors.ts";
import { examples, type Registration } from "../command.ts";

export const hosts: Registration = (program, action) => {
  program
    .command("hosts")
    .json("`{ host: string, version: string | null, usage: AgentUsage | null, problem: string | null }[]`")
    .summary("list the hosts, and what their agents use")
    .description(
      "Lists the hosts. It shows whether each agent answers, and how much memory and processor time the agent uses. BLOCKED is the longest time that the agent was busy with one thing since it was last asked.",
    )
    .addHelpText("after", examples("godwit hosts", "godwit hosts --json"))
    .action(
      action(async ({ connect }, _options: object) => {
        const asked = (await (await connect()).hosts()).map(async ({ host, client }) => {
          const answers = Promise.all([client.call("health", {}), client.call("usage", {})]);
          return answers.then(
            ([{ version }, usage]) => ({ host, version, usage, problem: null }),
            (error) => ({ host, version: null, usage: null, problem: errorReport(error).message }),
          );
        });
        return { view: "hosts", data: await Promise.all(asked) };
      }),
    );
};
