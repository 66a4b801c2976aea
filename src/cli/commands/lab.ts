import { InvalidArgumentError } from "commander";
import { GodwitError } from "../../contract/errors.ts";
import { type CommandContext, examples, type Registration } from "../command.ts";

const nameOption = ["--name <name>", "name of the lab (default: that of --lab or GODWIT_LAB, or 'lab')"] as const;
interface Named {
  name?: string;
}
interface UpOptions {
  hosts: number;
  kind: string;
  release?: string;
  memory?: number;
}
const nameOf = (context: CommandContext, { name }: Named) => name ?? context.lab ?? "lab";

export const lab: Registration = (program, action) => {
  const group = program
    .command("lab")
    .summary("run real Docker hosts on this machine, for trials and tests")
    .description(
      "Runs real Docker hosts on this machine, in namespaces or in virtual machines, for trials and tests. It needs root.",
    )
    .addHelpText("after", examples("godwit lab up", "godwit lab exec h1 -- docker ps", "godwit lab down"));

  group
    .command("up")
    .json("`Lab[]`")
    .description("Brings a lab up. If the lab is up already, this brings up what it lacks.")
    .option(...nameOption)
    .option("--hosts <number>", "how many hosts", whole, 2)
    .option("--kind <kind>", "namespace, or vm for virtual machines with a kernel of their own", "namespace")
    .option(
      "--release <release>",
      "trixie (Docker 26) or forky (Docker 28): one for all hosts, or a list with one for each (default: trixie; with vm, forky)",
    )
    .option("--memory <size>", "memory of each virtual machine, such as 3G or 2048M (default: 3G)", mebibytes)
    .addHelpText(
      "after",
      examples(
        "godwit lab up",
        "godwit lab up --name mixed --release trixie,forky",
        "godwit lab up --name vms --kind vm",
      ),
    )
    .action(
      action(async (context, options: Named & UpOptions) => {
        const { labUp } = await import("../../lab/lab.ts");
        const { hosts, kind, release, memory } = options;
        const data = await labUp({
          ...{ name: nameOf(context, options), hosts, kind, onProgress: context.progress },
          ...(release === undefined ? {} : { releases: release.split(",") }),
          ...(memory === undefined ? {} : { memoryMiB: memory }),
        });
        return { view: "labs", data: [data] };
      }),
    );

  group
    .command("exec")
    .json("only what the command prints")
    .description("Runs a command in a host. It uses your input and output, and ends with the command's exit status.")
    .argument("<host>", "such as h1")
    .argument("<command...>", "command and its arguments, after --")
    .option(...nameOption)
    .option("-t, --tty", "give the command a terminal", false)
    .usage("[options] HOST [options] -- COMMAND...")
    .addHelpText("after", examples("godwit lab exec h1 -- docker ps", "godwit lab exec h1 -t -- sh"))
    .action(
      action(async (context, host: string, command: string[], options: Named & { tty: boolean }) => {
        const { labExec } = await import("../../lab/host/exec.ts");
        const exit = await labExec(nameOf(context, options), host, command, { tty: options.tty });
        return { view: "nothing", data: null, exit };
      }),
    );

  group
    .command("status")
    .json("`Lab[]`")
    .description("Shows the labs that are up.")
    .option(...nameOption)
    .addHelpText("after", examples("godwit lab status", "godwit lab status --name mixed"))
    .action(
      action(async (context, options: Named) => {
        const { labStatus } = await import("../../lab/status.ts");
        const name = options.name ?? context.lab;
        const data = await labStatus(name);
        if (name === undefined || data.length > 0) return { view: "labs", data };
        throw new GodwitError("no-such-lab", `No lab '${name}' is up.`, { hint: `godwit lab up --name ${name}` });
      }),
    );

  group
    .command("down")
    .json("`{ lab: string }`")
    .description("Takes a lab down with everything in it. Only the cached root file systems stay.")
    .option(...nameOption)
    .addHelpText("after", examples("godwit lab down", "godwit lab down --name mixed"))
    .action(
      action(async (context, options: Named) => {
        const { labDown } = await import("../../lab/lab.ts");
        const name = nameOf(context, options);
        await labDown(name, context.progress);
        return { view: "done", data: { lines: [`lab '${name}' is down`], data: { lab: name } } };
      }),
    );

  group
    .command("image")
    .json("`{ host: string, image: string, id: string }`")
    .description(
      "Makes a test image on this machine and puts it into a host's Docker: busybox (a shell), gcc (compiles C), apps (servers, such as PostgreSQL), or a family of programs of test/programs.",
    )
    .argument("<host>", "such as h1")
    .argument("<image>", "busybox, gcc, apps, or a family such as databases")
    .option(...nameOption)
    .addHelpText("after", examples("godwit lab image h1 busybox"))
    .action(
      action(async (context, host: string, image: string, options: Named) => {
        const { labImage } = await import("../../lab/roots/images.ts");
        const id = await labImage(nameOf(context, options), host, image, context.progress);
        return { view: "done", data: { lines: [`${image} on ${host}: ${id}`], data: { host, image, id } } };
      }),
    );
};

function whole(text: string): number {
  if (/^\d{1,2}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a whole number.");
}

function mebibytes(text: string): number {
  const [, digits, unit] = /^(\d{1,6})([mg])(?:i?b)?$/i.exec(text) ?? [];
  if (digits && unit) return Number(digits) * (unit.toLowerCase() === "g" ? 1024 : 1);
  throw new InvalidArgumentError("It must be a number with M or G.");
}
