import type { TestLab } from "./lab.ts";

/**
 * Types a line as a user would, into a container's terminal, or into its input if `terminal` is undefined. Then detaches, and the
 * container stays. @returns what was shown
 */
export async function type(
  lab: TestLab,
  host: string,
  name: string,
  line: string,
  terminal: { rows: number; columns: number } | undefined,
): Promise<string> {
  const attach = `docker attach --sig-proxy=false ${name}`;
  const sized = terminal && `stty rows ${terminal.rows} cols ${terminal.columns}; ${attach}`;
  const { stdout } = await lab.attempt(
    host,
    `(sleep 0.3; echo '${line}'; sleep 2) | timeout -s KILL 1.5 ${sized ? `script -qec '${sized}' /dev/null` : attach}`,
  );
  return stdout;
}
