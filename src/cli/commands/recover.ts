import { examples, type Registration } from "../command.ts";

export const recover: Registration = (program, action) => {
  program
    .command("recover")
    .json("`Recovery`")
    .summary("decide about a container that waits frozen for a lost destination")
    .description(
      "Ends the wait of a container that stands frozen on its source because the destination vanished after it took over. With --force the container goes on here, without an answer from the destination. Use --force only if you are certain that the container does not run there.",
    )
    .argument("<container>", "[HOST/]NAME or id")
    .option("--force", "go on here without the destination's answer", false)
    .addHelpText("after", examples("godwit recover h1/looper", "godwit recover h1/looper --force"))
    .action(
      action(async ({ connect }, ref: string, options: { force: boolean }) => {
        const { client, container } = await (await connect()).target(ref);
        const data = await client.call("recover", { params: { container }, body: { force: options.force } });
        return { view: "recovery", data };
      }),
    );
};
