import { run } from "../proc/process.ts";
import { changesSince, type Instant, instant } from "./tree-changes.ts";
import { listed, listOf, rewritten } from "./tree-sync.ts";
import { copied, exactCopy, isPartlyCopied } from "./trees.ts";

/**
 * Makes the folder `to` equal to the folder `from`, both on this host. It compares all contents, because a program that writes
 * through a shared mapping changes neither the time nor the size of a file.
 * @returns when the copy began, for `updateMirror`
 * @throws command-failed
 */
export async function mirrorTree(from: string, to: string, signal?: AbortSignal): Promise<Instant> {
  const begun = instant();
  await untilWhole(["--checksum", "--whole-file", `${from}/`, `${to}/`], signal);
  return begun;
}

/**
 * Brings a mirror up to date. The time for it depends on how much has changed, not on the size of the tree. Nothing may change `from`
 * meanwhile.
 * @param since what `mirrorTree` returned
 * @param mapped files that a process writes through a mapping, relative to the tree, one character for each byte
 * @throws command-failed
 */
export async function updateMirror(
  from: string,
  to: string,
  { since, mapped }: { since: Instant; mapped: string[] },
  signal?: AbortSignal,
): Promise<void> {
  const { compare, antedated } = await changesSince({ path: from }, since);
  if (compare === "all") await mirrorTree(from, to, signal);
  else {
    if (compare !== "none") await untilWhole([...listed, `${from}/`, `${to}/`], signal, compare);
    const always = [...mapped, ...antedated];
    const options = [...rewritten(exactCopy), ...listed, `${from}/`, `${to}/`];
    if (always.length > 0) await run("rsync", options, { input: listOf(always), signal });
  }
}

async function untilWhole(options: string[], signal: AbortSignal | undefined, paths?: string[]): Promise<void> {
  const input = paths && { input: Buffer.from(paths.join("\0"), "latin1") };
  const copy = () => run("rsync", [...exactCopy, ...options], { signal, accept: copied, ...input });
  await copy().catch((error) => {
    if (!isPartlyCopied(error)) throw error;
    return copy();
  });
}
