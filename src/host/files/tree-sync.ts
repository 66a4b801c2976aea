import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { Duplex, Writable } from "node:stream";
import { commandFailed, hold, run } from "../proc/process.ts";
import { copied, exactCopy } from "./trees.ts";

/** What of a tree is sent; all of it where nothing is said. */
export interface Selection {
  /** Only these files, whatever their times and sizes say; relative to the tree, a character a byte. */
  always?: string[] | undefined;
  /** The tree has large holes; see `squeezed`. */
  holes?: boolean | undefined;
  /** A path that is left out, and stays as it is over there; it begins with a slash, which is the tree's own folder. */
  without?: string;
  signal?: AbortSignal | undefined;
}

const target = (port: number) => `rsync://127.0.0.1:${port}/tree/`;
/** What goes wrong over there is told here; the daemon would say it to its own standard error. */
const exactly = [...exactCopy, "--stderr=client"];

/**
 * rsync sends a hole as zeros, which take a second a GiB and more. Compressed, they are next to nothing: 33 kB with zstd and 1.0 s
 * of processor time instead of 1 GiB and 4.0 s. Random data costs a quarter more than without, so that only a tree with holes
 * is sent in this way. The two sides agree on zstd, or else on what both have. They do so by themselves: a choice in
 * RSYNC_COMPRESS_LIST on one side alone makes rsync 3.5.1 read one method as another one.
 */
const squeezed = (holes: boolean | undefined) => (holes ? ["--compress", "--compress-level=1"] : []);

/**
 * Makes the tree behind a port of 127.0.0.1 (a `serveTree` on the other host) equal to `from`, a folder; or the file of the same
 * name in it. What has kept its time and size is not looked at.
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
    const left = without ? [`--exclude=${without}`] : [];
    await run("rsync", [...exactly, ...options, ...left, `${from}/`, target(port)], { signal, accept: copied });
  }
}

/** A `sendTree` that has greeted the other side, and waits to be told what has changed. */
export interface HeldTree {
  /** Sends only these, as `changedPaths` gives them. @throws command-failed */
  send(paths: string[]): Promise<void>;
  /** Harmless where it has ended. */
  drop(): void;
}

export function holdTree(
  from: string,
  port: number,
  { signal, holes }: Pick<Selection, "signal" | "holes"> = {},
): HeldTree {
  const options = squeezed(holes);
  const args = [...exactly, ...options, ...listed, `${from}/`, target(port)];
  const held = hold("rsync", args, { signal, accept: copied });
  return {
    async send(paths) {
      await held.finish(Buffer.from(paths.join("\0"), "latin1"));
    },
    drop: held.drop,
  };
}

/**
 * Paths begin with `./`: rsync takes a name that begins with `#` or `;` for a comment. One that is gone meanwhile is no failure, as
 * it is none of a round over everything: somebody else may write to a volume.
 */
export const listed = ["--files-from=-", "--from0", "--ignore-missing-args"];

/** For rsync to read; `always` is as in a `Selection`. */
export const listOf = (always: string[]) => Buffer.from(always.map((path) => `./${path}`).join("\0"), "latin1");

/**
 * Whatever times and sizes say. In place: a file of several names keeps them all, also where only one is listed. Nothing is deleted:
 * what is not listed stays.
 */
export const rewritten = (options: string[]) => [
  ...options.filter((option) => !option.startsWith("--delete")),
  ...["--ignore-times", "--inplace"],
];

export interface ServedTree {
  stream: Duplex;
  /** Its last byte is written. @throws command-failed where not all has arrived */
  ended: Promise<void>;
}

/**
 * The receiving side of one `sendTree`, as a stream that speaks rsync. `configPath` is a file of ours, written anew. rsync runs as
 * a daemon with one module, over its standard input and output. It changes its root to `path`, for two reasons: nothing that
 * arrives can be written outside of it, and symbolic links arrive as they are. A daemon without a root of its own makes every link
 * point into its module. The module is the working folder, because a path in the configuration would be parsed.
 */
export async function serveTree(path: string, configPath: string): Promise<ServedTree> {
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
  const child = spawn("rsync", ["--server", "--daemon", `--config=${configPath}`, "."], {
    cwd: path,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const stream = Duplex.from({ writable: untilDeaf(child.stdin), readable: child.stdout });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("exit", (code, killed) => {
      rm(configPath, { force: true }).catch(() => {});
      if (code === 0) resolve();
      else reject(commandFailed("rsync", code ?? killed ?? "unknown", ""));
    });
    child.once("error", (error) => {
      stream.destroy(error);
      reject(error);
    });
  });
  // Whoever does not ask for it learns from the sending side.
  ended.catch(() => {});
  stream.once("close", () => !stream.readableEnded && child.kill());
  return { stream, ended };
}

/** An rsync that gives up stops reading, and then says why: what is still sent to it must not cut its word short. */
function untilDeaf(stdin: Writable): Writable {
  stdin.on("error", () => {});
  return new Writable({
    write: (chunk: Buffer, encoding, done) => {
      if (stdin.writable) stdin.write(chunk, encoding, () => done());
      else done();
    },
    final: (done) => {
      if (stdin.writable) stdin.end(() => done());
      else done();
    },
  });
}
