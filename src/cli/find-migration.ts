import { GodwitError } from "../contract/errors.ts";
import type { Migration } from "../contract/migration.ts";
import type { Connection, HostClient } from "./connection.ts";

export interface FoundMigration extends HostClient {
  migration: Migration;
}

/**
 * The migrations of all hosts, oldest first. A host that does not answer is reported by `notice`.
 * @throws if no host answers
 */
export async function listMigrations(
  connection: Connection,
  notice: (line: string) => void,
): Promise<FoundMigration[]> {
  const { found, problems, hosts } = await ask(connection);
  if (problems.length === hosts) throw problems[0];
  for (const problem of problems) notice(problem.message);
  return found;
}

/** The migration with this id, or the only one whose id begins with it. @throws no-such-migration, or usage if there are several */
export async function findMigration(connection: Connection, asked: string): Promise<FoundMigration> {
  const { found, problems } = await ask(connection);
  const exact = found.find(({ migration }) => migration.id === asked);
  if (exact) return exact;
  const matching = asked === "" ? [] : found.filter(({ migration }) => migration.id.startsWith(asked));
  const [only, ...others] = matching;
  if (only && others.length === 0) return only;
  if (only) {
    const ids = matching.map(({ migration }) => migration.id).join(", ");
    throw new GodwitError("usage", `Several migrations have an id that begins with '${asked}': ${ids}.`, {
      hint: "Write more of the id.",
    });
  }
  const [silent] = problems;
  throw new GodwitError(
    "no-such-migration",
    silent ? `No host that answers has a migration '${asked}'.` : `There is no migration with the id '${asked}'.`,
    { hint: silent ? silent.message : "'godwit migration ls' lists them." },
  );
}

async function ask(connection: Connection): Promise<{ found: FoundMigration[]; problems: Error[]; hosts: number }> {
  const hosts = await connection.hosts();
  const answers = await Promise.allSettled(hosts.map(({ client }) => client.call("migrations", {})));
  const found = answers.flatMap((answer, i) => {
    const host = hosts[i];
    return answer.status === "fulfilled" && host ? answer.value.map((migration) => ({ ...host, migration })) : [];
  });
  const problems = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as Error] : []));
  return {
    found: found.sort((a, b) => a.migration.startedAt.localeCompare(b.migration.startedAt)),
    problems,
    hosts: hosts.length,
  };
}
