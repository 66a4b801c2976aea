import { errorCatalogue, errorReport } from "../../contract/errors.ts";
import type { DoctorReport } from "../../contract/routes.ts";
import { examples, type Registration } from "../command.ts";
import type { Connection } from "../connection.ts";

const exitUnanswered = errorCatalogue["agent-unreachable"].exit;

export const doctor: Registration = (program, action) => {
  program
    .command("doctor")
    .summary("check what hosts need, with a remedy for what is missing")
    .description(
      "Checks everything that hosts need: a line each, ok, warn or fail, with the remedy. With two hosts also what differs between them and what that forbids. Exit status 5 if something fails.",
    )
    .argument("[hosts...]", "hosts to check; all of them without a name")
    .addHelpText("after", examples("godwit doctor", "godwit doctor h1 h2"))
    .action(
      action(async ({ connect }, names: string[], _options: object) => {
        const connection = await connect();
        const data = await reports(connection, names);
        const failed = data.some((report) => report.verdicts.some((verdict) => verdict.level === "fail"));
        return { view: "doctor", data, exit: failed ? 5 : 0 };
      }),
    );
};

async function reports(connection: Connection, names: string[]): Promise<DoctorReport[]> {
  const hosts =
    names.length > 0
      ? await Promise.all([...new Set(names)].map((name) => connection.host(name)))
      : await connection.hosts();
  const [first, second, ...more] = hosts;
  // Two named hosts are compared: the first one is asked with regard to the second.
  const compare = names.length > 0 && first && second && more.length === 0;
  return Promise.all(
    hosts.map(({ host, client }, i) =>
      client
        .call("doctor", { query: compare && i === 0 ? { with: second.host } : {} })
        .catch((error) => unanswered(host, error)),
    ),
  );
}

/** That a host cannot be asked is a finding like any other. */
function unanswered(host: string, error: unknown): DoctorReport {
  const { code, message, hint } = errorReport(error);
  if (errorCatalogue[code].exit !== exitUnanswered) throw error;
  const verdict = { check: "agent", level: "fail" as const, message: message.replace(/\.$/, ""), code };
  return { host, with: null, verdicts: [{ ...verdict, ...(hint ? { remedy: hint.replace(/\.$/, "") } : {}) }] };
}
