import { GodwitError } from "../../contract/errors.ts";
import { parseContainerRef } from "../../contract/names.ts";
import { examples, type Registration } from "../command.ts";

export const clone: Registration = (program, action) => {
  program
    .command("clone")
    .json("`Event` lines, then a `RunResult` line")
    .summary("run a checkpoint in a new container")
    .description(
      "Runs a checkpoint, or the present state of a running container, in a new container. The new container has its own id, network and copy of the files.",
    )
    .argument("<container>", "[HOST/]NAME[@CHECKPOINT]")
    .argument("<new>", "[HOST/]NAME of the new container")
    .addHelpText("after", examples("godwit clone looper looper2", "godwit clone h1/looper@before h2/looper2"))
    .action(
      action(async ({ connect, follow }, ref: string, wanted: string, _options: object) => {
        const { host, container: name, checkpoint: none } = parseContainerRef(wanted);
        if (none !== undefined)
          throw new GodwitError("usage", `'${wanted}' is not the name of a new container.`, {
            hint: "Name the checkpoint with the original: godwit clone looper@before looper2",
          });
        const { client, container, checkpoint } = await (await connect()).target(ref, { checkpoint: true });
        const body = {
          name,
          ...(host === undefined ? {} : { host }),
          ...(checkpoint === undefined ? {} : { checkpoint }),
        };
        const begun = client.call("clone", { params: { container }, body });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};
