import { GodwitError } from "../../../contract/errors.ts";

declare const made: unique symbol;
/** A path of Docker's API in which no name can be taken for anything else. Only `api` makes one. */
export type ApiPath = string & { [made]: true };

/** Tag of a template: what is put into it is a name, and is escaped. @throws invalid-name where it would lead elsewhere even so */
export function api(parts: TemplateStringsArray, ...names: string[]): ApiPath {
  return parts.reduce((path, part, i) => `${path}${escaped(names[i - 1] ?? "")}${part}`) as ApiPath;
}

/** Docker resolves `.` and `..` after it has taken the escaping off. */
function escaped(name: string): string {
  if (!name.split("/").some((part) => ["", ".", ".."].includes(part))) return encodeURIComponent(name);
  throw new GodwitError("invalid-name", `'${name.slice(0, 80)}' cannot be the name of anything in Docker.`, {
    hint: "A name consists of letters, digits, '_', '.' and '-', and begins with a letter or digit.",
  });
}
