import { errorReport } from "../../contract/errors.ts";
import { examples, type Registration } from "../command.ts";

export const ps: Registration = (program, action) => {
  program
    .command("ps")
    .json(
      "`{ host: string, containers: Container[], problem: string | null }[]`; `problem` says why a host did not answer",
    )
    .summary("list the containers of all hosts, and what prevents each from moving")
    .description("Lists the containers of all hosts, and what prevents each from moving.")
    .addHelpText("after", examples("godwit ps", "godwit ps --json"))
    .action(
      action(async ({ connect }, _options: object) => {
        const hosts = await (await connect()).hosts();
        const asked = hosts.map(({ host, client }) =>
          client.call("containers", {}).then(
            (containers) => ({ host, containers, problem: null }),
            (error) => ({ host, containers: [], problem: errorReport(error).message, error }),
          ),
        );
        const data = await Promise.all(asked);
        // One host that does not answer is a line of the list; if none answers there is no list.
        const errors = data.flatMap((one) => ("error" in one ? [one.error] : []));
        if (errors.length > 0 && errors.length === data.length) throw errors[0];
        return {
          view: "containers",
          data: data.map(({ host, containers, problem }) => ({ host, containers, problem })),
        };
      }),
    );
};
