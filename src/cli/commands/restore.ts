import { examples, type Registration } from "../command.ts";

const foreignOption = [
  "--foreign",
  "also accept a checkpoint of another container that had the same name",
  false,
] as const;

export const restore: Registration = (program, action) => {
  program
    .command("restore")
    .json("`Event` lines, then a `RunResult` line")
    .summary("run a checkpoint again in its stopped container")
    .description("Runs a stopped container again from a checkpoint, with the files of that instant.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .option(...foreignOption)
    .addHelpText("after", examples("godwit restore looper before"))
    .action(
      action(async ({ connect, follow }, ref: string, name: string, { foreign }: { foreign: boolean }) => {
        const { client, container } = await (await connect()).target(ref);
        const begun = client.call("restore", { params: { container }, body: { checkpoint: name, foreign } });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};

export const rollback: Registration = (program, action) => {
  program
    .command("rollback")
    .json("`Event` lines, then a `RunResult` line")
    .summary("take a running container back to a checkpoint, memory and files")
    .description("Takes a running container back to a checkpoint, memory and files together.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .option(...foreignOption)
    .addHelpText("after", examples("godwit rollback looper before"))
    .action(
      action(async ({ connect, follow }, ref: string, name: string, { foreign }: { foreign: boolean }) => {
        const { client, container } = await (await connect()).target(ref);
        const begun = client.call("rollback", { params: { container }, body: { checkpoint: name, foreign } });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};
