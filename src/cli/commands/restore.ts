import { examples, type Registration } from "../command.ts";

export const restore: Registration = (program, action) => {
  program
    .command("restore")
    .summary("have a stopped container go on from a checkpoint")
    .description("Has a stopped container go on from a checkpoint, with the files of that instant.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .addHelpText("after", examples("godwit restore looper before"))
    .action(
      action(async ({ connect, follow }, ref: string, name: string, _options: object) => {
        const { client, container } = await (await connect()).target(ref);
        const begun = await client.call("restore", { params: { container }, body: { checkpoint: name } });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};

export const rollback: Registration = (program, action) => {
  program
    .command("rollback")
    .summary("take a running container back to a checkpoint, memory and files")
    .description("Takes a running container back to a checkpoint: memory and files together.")
    .argument("<container>", "[HOST/]NAME or id")
    .argument("<name>", "name of the checkpoint")
    .addHelpText("after", examples("godwit rollback looper before"))
    .action(
      action(async ({ connect, follow }, ref: string, name: string, _options: object) => {
        const { client, container } = await (await connect()).target(ref);
        const begun = await client.call("rollback", { params: { container }, body: { checkpoint: name } });
        return { view: "ended", data: await follow(client, begun) };
      }),
    );
};
