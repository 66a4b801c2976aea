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

Every error that a user can meet has a code, one sentence, and mostly a hint that says what to do about it. Where CRIU, runc or
Docker refused something, lines of their own log follow. With \`--json\` an error is one line on standard output,
\`{"error": {"code", "message", "hint", "details"}}\`, beside the text on standard error. Codes and exit statuses are stable.

${table(["code", "exit status", "HTTP status", "what it means"], rows)}
The exit status groups them:

${table(["exit status", "group"], groups)}`;
}

export const groups = [
  ["0", "done"],
  ["1", "a fault of godwit itself (with its stack), or of the lab"],
  ["2", "the call is not of the documented form, or not allowed; nothing was changed"],
  ["3", "something that was named does not exist"],
  ["4", "the state of things forbids it; nothing was changed"],
  ["5", "a host or the container cannot do it; nothing was changed"],
  ["6", "an agent or a Docker daemon does not answer, or is not trusted"],
  ["7", "it was tried and failed; the message says where the container is"],
  ["8", "cancelled; the container runs on where it was"],
  ["9", "the destination took the baton and fell silent; the container waits frozen on the source"],
];
