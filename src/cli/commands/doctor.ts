import { type ErrorCode, errorReport } from "../../contract/errors.ts";
import type { DoctorReport } from "../../contract/routes.ts";
import { examples, type Registration } from "../command.ts";
import type { Connection, HostClient } from "../connection.ts";

export const doctor: Registration = (program, action) => {
  program
    .command("doctor")
    .json("`DoctorReport[]`, one for each host")
    .summary("check what hosts need, and say what to do about it")
    .description(
      "Checks everything that hosts need. Each line says ok, warn or fail, with the remedy. For two hosts it also shows what differs between them, and what that forbids. The exit status is 5 if a check fails.",
    )
    .argument("[hosts...]", "hosts to check; by default all of them")
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
  // Two named hosts are compared: the first one compares itself with the second.
  const compare = names.length > 0 && first && second && more.length === 0;
  return Promise.all(hosts.map((host, i) => report(host, compare && i === 0 ? second.host : undefined)));
}

/** A host that does not answer, us or the other host, is a finding like any other. */
async function report({ host, client }: HostClient, other: string | undefined): Promise<DoctorReport> {
  try {
    return await client.call("doctor", { query: other === undefined ? {} : { with: other } });
  } catch (error) {
    const { code, message, hint } = errorReport(error);
    if (!findings.includes(code)) throw error;
    const verdict = { check: "agent", level: "fail" as const, message: message.replace(/\.$/, ""), code };
    const alone = other === undefined ? { host, with: null, verdicts: [] } : await report({ host, client }, undefined);
    const remedy = hint?.replace(/\.$/, "");
    return { ...alone, verdicts: [...alone.verdicts, remedy ? { ...verdict, remedy } : verdict] };
  }
}

const findings: ErrorCode[] = ["agent-unreachable", "docker-unreachable", "untrusted-peer", "incompatible-agent"];
