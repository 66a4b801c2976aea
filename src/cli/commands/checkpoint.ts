import { errorReport } from "../../contract/errors.ts";
import { examples, type Registration } from "../command.ts";

export const checkpoint: Registration = (program, action) => {
  const group = program
    .command("checkpoint")
    .summary("take, list, show and remove checkpoints")
    .description("Takes, lists, shows and removes checkpoints of containers.")
    .addHelpText("after", examples("godwit checkpoint create looper before", "godwit checkpoint ls"));

  group
    .command("create")
    .json("`Event` lines, then a `CheckpointSummary` line")
    .description(
      "Takes memory and files of a running container under one freeze. The container keeps running unless --stop is given.",
    )
    .argument("<container>", "[HOST/]NAME or id")
    .argument("[name]", "name of the checkpoint; by default it has the time in it")
    .option("--stop", "stop the container with the checkpoint", false)
    .addHelpText(
      "after",
      examples("godwit checkpoint create looper before", "godwit checkpoint create h1/looper --stop"),
    )
    .action(
      action(async ({ connect, follow }, ref: string, name: string | undefined, options: { stop: boolean }) => {
        const { client, container } = await (await connect()).target(ref);
        const body = { stop: options.stop, ...(name === undefined ? {} : { name }) };
        const begun = client.call("createCheckpoint", { params: { container }, body });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );

  group
    .command("ls")
    .json("`{ host: string, checkpoints: CheckpointSummary[], problem: string | null }[]`")
    .description("Lists the checkpoints of one container, or of all containers on all hosts.")
    .argument("[container]", "[HOST/]NAME or id")
    .addHelpText("after", examples("godwit checkpoint ls", "godwit checkpoint ls h1/looper"))
    .action(
      action(async ({ connect }, ref: string | undefined, _options: object) => {
        const connection = await connect();
        if (ref !== undefined) {
          const { client, host, container } = await connection.target(ref);
          const checkpoints = await client.call("checkpointsOf", { params: { container } });
          return { view: "checkpoints", data: [{ host, checkpoints, problem: null }] };
        }
        const asked = (await connection.hosts()).map(({ host, client }) =>
          client.call("checkpoints", {}).then(
            (checkpoints) => ({ host, checkpoints, problem: null }),
            (error) => ({ host, checkpoints: [], problem: errorReport(error).message }),
          ),
        );
        return { view: "checkpoints", data: await Promise.all(asked) };
      }),
    );

  group
    .command("inspect")
    .json("`CheckpointRecord`")
    .description("Shows one checkpoint. With --json it shows everything that is known about the checkpoint.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .addHelpText("after", examples("godwit checkpoint inspect looper before"))
    .action(
      action(async ({ connect }, ref: string, name: string, _options: object) => {
        const { client, container } = await (await connect()).target(ref);
        return { view: "checkpoint", data: await client.call("checkpoint", { params: { container, name } }) };
      }),
    );

  group
    .command("rm")
    .json("`{ removed: string }`")
    .description("Removes a checkpoint.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .addHelpText("after", examples("godwit checkpoint rm looper before"))
    .action(
      action(async ({ connect }, ref: string, name: string, _options: object) => {
        const { client, container } = await (await connect()).target(ref);
        const data = await client.call("removeCheckpoint", { params: { container, name } });
        return { view: "done", data: { lines: [`removed checkpoint '${name}' of ${container}`], data } };
      }),
    );
};
