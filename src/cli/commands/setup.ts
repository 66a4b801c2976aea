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
        const { setupHook } = await import("../../host/setup.ts");
        const data = await setupHook({ remove: options.remove });
        return { view: "done", data: { lines: data.notes, data } };
      }),
    );
};
