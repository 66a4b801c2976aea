import { GodwitError } from "./errors.ts";

/** Names of containers, checkpoints, hosts and labs. A trailing dot or a lone dot never reaches a path. */
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const longestName = 128;
const shownLength = 40;

export type NameKind = "container" | "checkpoint" | "host" | "lab";

/** @throws invalid-name */
export function checkName(kind: NameKind, name: string): string {
  if (namePattern.test(name) && name.length <= longestName && !name.endsWith(".")) return name;
  const shown = name.length > shownLength ? `${name.slice(0, shownLength)}...` : name;
  throw new GodwitError("invalid-name", `'${shown}' is not a valid ${kind} name.`, {
    hint: `Names consist of letters, digits, '_', '.' and '-', begin with a letter or digit, and have at most ${longestName} characters.`,
  });
}

/** A container as a user names it: `looper`, `h1/looper`, or with its checkpoint `h1/looper@before`. */
export interface ContainerRef {
  host: string | undefined;
  container: string;
  checkpoint: string | undefined;
}

/** @throws invalid-name */
export function parseContainerRef(text: string): ContainerRef {
  const slash = text.indexOf("/");
  const host = slash < 0 ? undefined : checkName("host", text.slice(0, slash));
  const rest = text.slice(slash + 1);
  const at = rest.indexOf("@");
  return {
    host,
    container: checkName("container", at < 0 ? rest : rest.slice(0, at)),
    checkpoint: at < 0 ? undefined : checkName("checkpoint", rest.slice(at + 1)),
  };
}
