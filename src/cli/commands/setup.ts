import { examples, type Registration } from "../command.ts";

export const setup: Registration = (program, action) => {
  program
    .command("setup")
    .json("`{ changed: boolean, registered: boolean, notes: string[] }`")
    .summary("register the runtime hook with Docker, or take it out")
    .description(
      "Registers the runtime hook with this host's Docker. Other settings and running containers stay as they are; doing it twice changes nothing.",
    )
    .option("--remove", "take the hook out again", false)
    .addHelpText("after", examples("godwit setup", "godwit setup --remove"))
    .action(
      action(async (_context, options: { remove: boolean }) => {
        const [{ setupHook }, { thisEngine }] = await Promise.all([
          import("../../host/setup.ts"),
          import("../../host/host.ts"),
        ]);
        const data = await setupHook(thisEngine(), options);
        return { view: "done", data: { lines: data.notes, data } };
      }),
    );
};
