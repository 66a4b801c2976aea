import { rm, writeFile } from "node:fs/promises";
import { hold, run } from "../proc/process.ts";
import { type Served, serve } from "./served.ts";
import { copied, exactCopy } from "./trees.ts";

/** Which part of a tree is sent, and how. By default all of it. */
export interface Selection {
  /** Only these files, even if their times and sizes are equal. Relative to the tree, one character for each byte. */
  always?: string[] | undefined;
  /** The tree has large holes; see `squeezed`. */
  holes?: boolean | undefined;
  /** Files and folders that are left out, and stay as they are on the other host. Relative to the tree, one character for each byte. */
  without?: string[] | undefined;
  signal?: AbortSignal | undefined;
}

const target = (port: number) => `rsync://127.0.0.1:${port}/tree/`;
/** Errors of the receiving rsync come to this side. By default the daemon writes them to its own standard error. */
const exactly = [...exactCopy, "--stderr=client"];

/**
 * rsync sends a hole as zeros, which takes more than a second for each GiB. Compressed with zstd, 1 GiB of zeros is 33 kB and costs
 * 1.0 s of processor time instead of 4.0 s. Compression makes random data a quarter more expensive, so only a tree with holes is
 * compressed. The two sides choose the method by themselves: zstd, or else one that both have. RSYNC_COMPRESS_LIST must not be set on
 * one side alone: rsync 3.5.1 then decompresses with the wrong method.
 */
const squeezed = (holes: boolean | undefined) => (holes ? ["--compress", "--compress-level=1"] : []);

/**
 * Makes the tree behind a port of 127.0.0.1 (a `serveTree` on the other host) equal to the folder `from`. If `from` is a file, it
 * replaces the file of the same name in that tree. A file that has kept its time and size counts as equal.
 * @throws command-failed
 */
export async function sendTree(
  { path: from, file }: { path: string; file?: boolean },
  port: number,
  { always, without, signal, holes }: Selection = {},
): Promise<void> {
  const options = squeezed(holes);
  const changed = [...rewritten(exactly), ...options];
  if (file) await run("rsync", [...changed, from, target(port)], { signal });
  else if (always && always.length > 0) {
    await run("rsync", [...changed, ...listed, `${from}/`, target(port)], { input: listOf(always), signal });
  } else {
    const left = without && without.length > 0 ? { input: patternsOf(without) } : undefined;
    // In this order: rsync reads the patterns when it comes to their option.
    const excluded = left ? ["--from0", "--exclude-from=-"] : [];
    await run("rsync", [...exactly, ...options, ...excluded, `${from}/`, target(port)], {
      ...{ signal, accept: copied },
      ...left,
    });
  }
}

/** A `sendTree` that has connected to the other side, and waits for the list of paths. */
export interface HeldTree {
  /** Sends only these paths, as `changedPaths` gives them. @throws command-failed */
  send(paths: string[]): Promise<void>;
  /** Ends it. Harmless where it has ended already. */
  drop(): void;
}

/** Starts a `sendTree` before its paths are known, so that its start costs no downtime. `port` is as in `sendTree`. */
export function holdTree(
  from: string,
  port: number,
  { signal, holes }: Pick<Selection, "signal" | "holes"> = {},
): HeldTree {
  const args = [...exactly, ...squeezed(holes), ...listed, `${from}/`, target(port)];
  const held = hold("rsync", args, { signal, accept: copied });
  return {
    async send(paths) {
      await held.finish(Buffer.from(paths.join("\0"), "latin1"));
    },
    drop: held.drop,
  };
}

/**
 * Options for a list of paths on standard input, which a zero byte separates. Each path begins with `./`, because rsync takes a line
 * that begins with `#` or `;` for a comment. A path that is gone meanwhile is no failure, because another program may write to a
 * volume.
 */
export const listed = ["--files-from=-", "--from0", "--ignore-missing-args"];

/** The list that rsync reads; `always` is as in a `Selection`. */
export const listOf = (always: string[]) => Buffer.from(always.map((path) => `./${path}`).join("\0"), "latin1");

/** What rsync reads to leave these paths out. A pattern without a wildcard is taken as it is; in others a backslash stands before each. */
const patternsOf = (paths: string[]) => {
  const pattern = (path: string) => `/${/[*?[]/.test(path) ? path.replace(/[\\*?[]/g, "\\$&") : path}`;
  return Buffer.from(paths.map(pattern).join("\0"), "latin1");
};

/**
 * Options that rewrite the listed files, even if their times and sizes are equal. rsync writes in place, so that a file keeps all its
 * names, even if only one is listed. It deletes nothing: what is not listed stays.
 */
export const rewritten = (options: string[]) => [
  ...options.filter((option) => !option.startsWith("--delete")),
  ...["--ignore-times", "--inplace"],
];

/**
 * Starts the receiving side of one `sendTree`: an rsync daemon with one module, over its standard input and output. The daemon
 * changes its root to `path`, for two reasons. Nothing can be written outside of `path`. And symbolic links arrive unchanged; a
 * daemon without its own root makes every link point into its module. The module is the working folder, because rsync would parse a
 * path in the configuration.
 * @param configPath where the configuration of the daemon is written; removed when the daemon ends
 */
export async function serveTree(path: string, configPath: string): Promise<Served> {
  const module = [
    "path = /proc/self/cwd",
    "read only = no",
    "use chroot = yes",
    "munge symlinks = no",
    "uid = 0",
    "gid = 0",
    "numeric ids = yes",
  ];
  await writeFile(configPath, ["log file = /dev/null", "[tree]", ...module, ""].join("\n"), { mode: 0o600 });
  const served = serve("rsync", ["--server", "--daemon", `--config=${configPath}`, "."], path);
  const remove = () => rm(configPath, { force: true }).catch(() => {});
  served.ended.then(remove, remove);
  return served;
}
