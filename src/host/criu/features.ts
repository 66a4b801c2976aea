import { release } from "node:os";
import { execa } from "execa";
import type { HostFacts } from "../../contract/facts.ts";
import { versionAtLeast, versionOf } from "../../contract/units.ts";
import { criuLibraryPath } from "../paths.ts";
import { kept } from "../proc/kept.ts";
import { dumpsOtherUsers } from "./other-users.ts";

/** What the installed CRIU can do on this kernel; null where it is not installed. An answer takes about 0.2 s. */
export const criuFeatures: () => Promise<HostFacts["criu"]> = kept(askCriu);

async function askCriu(): Promise<HostFacts["criu"]> {
  const versionText = await ask(["--version"]);
  const version = versionText.output.match(/Version:\s*([\d.]+)/)?.[1];
  if (!version) return null;
  const [check, lazy, otherUsers, library] = await Promise.all([
    ask(["check"]),
    ask(["check", "--feature", "uffd-noncoop"]),
    dumpsOtherUsers(),
    ask([], { LD_PRELOAD: criuLibraryPath, GODWIT_CRIU_CHECK: "1" }),
  ]);
  return {
    version,
    problem: check.ok ? null : firstProblem(check.output),
    lazyPages: lazy.ok && tellsAllChanges(release()),
    otherUsers,
    sharedApart: library.output.trim() === "godwit-criu",
  };
}

/**
 * Whether userfaultfd keeps pages away while any change of a memory is still to be told. Before Linux 5.15 the first change that is told
 * ends that for all others (kernel commit a759a909d42d): a page that is moved in that instant would be lost.
 */
export const tellsAllChanges = (kernel: string): boolean => versionAtLeast(versionOf(kernel), [5, 15]);

/**
 * Whether a dump passes over address space that is not in use: godwit's library in CRIU does so (runtime/criu/tables.c), by PAGEMAP_SCAN of
 * Linux 6.7.
 */
export async function skipsUnused(): Promise<boolean> {
  return versionAtLeast(versionOf(release()), [6, 7]) && ((await criuFeatures())?.sharedApart ?? false);
}

async function ask(args: string[], env: Record<string, string> = {}): Promise<{ ok: boolean; output: string }> {
  const result = await execa("criu", args, { reject: false, all: true, stdin: "ignore", env });
  return { ok: result.exitCode === 0, output: result.all ?? "" };
}

function firstProblem(output: string): string {
  const line =
    output.split("\n").find((text) => text.includes("Error")) ??
    (output.trim().split("\n").at(-1) || "criu check fails and does not say why");
  return line.replace(/^.*Error\s*\([^)]*\):\s*/, "").trim();
}
