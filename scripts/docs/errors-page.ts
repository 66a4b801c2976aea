import { errorCatalogue } from "../../src/contract/errors.ts";
import { generated, table } from "./markdown.ts";

/** docs/errors.md: the catalogue of errors. */
export function errorsPage(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { exit, status, means }]) => [
    `\`${code}\``,
    String(exit),
    String(status),
    means,
  ]);
  return `# Errors

${generated("src/contract/errors.ts")}

Every error that a user can meet has a code and one sentence. Most have a hint that says what to do about it. If CRIU, runc or
Docker refused something, lines of their own log follow. With \`--json\` an error is also one line on standard output:
\`{"error": {"code", "message", "hint", "details"}}\`. The text still goes to standard error. Codes and exit statuses are stable.

${table(["code", "exit status", "HTTP status", "what it means"], rows)}
The exit status says the group of an error:

${table(["exit status", "group"], groups)}`;
}

export const groups = [
  ["0", "done"],
  ["1", "a bug in godwit (shown with its stack), or a fault of the lab"],
  ["2", "the call is wrong or not allowed; nothing was changed"],
  ["3", "the call names something that does not exist"],
  ["4", "the present state forbids it; nothing was changed"],
  ["5", "a host or the container cannot do it; nothing was changed"],
  ["6", "an agent or a Docker daemon does not answer, or is not trusted"],
  ["7", "the action was tried and failed; the message says where the container is"],
  ["8", "cancelled; the container keeps running where it was"],
  ["9", "the destination took the baton and does not answer; the container waits frozen on the source"],
];
