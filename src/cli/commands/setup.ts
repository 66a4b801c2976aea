import { examples, type Registration } from "../command.ts";

export const setup: Registration = (program, action) => {
  program
    .command("setup")
    .json("`{ changed: boolean, registered: boolean, notes: string[] }`")
    .summary("register the runtime hook with Docker, or remove it")
    .description(
      "Registers the runtime hook with this host's Docker. It keeps all other settings and does not touch running containers. A second run changes nothing.",
    )
    .option("--remove", "remove the hook", false)
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
