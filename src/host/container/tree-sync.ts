import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { Duplex, Writable } from "node:stream";
import { run } from "../process.ts";
import { copied, exactCopy } from "./trees.ts";

/** What of a tree is sent; all of it where nothing is said. */
export interface Selection {
  /** Only these, as `changedPaths` gives them. */
  paths?: string[] | undefined;
  /** Only these files, whatever their times and sizes say. */
  always?: string[] | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Makes the tree behind a port of 127.0.0.1 (a `serveTree` on the other host) equal to `from`, a folder; or the file of the same
 * name in it. What has kept its time and size is not looked at.
 * @throws command-failed
 */
export async function sendTree(
  { path: from, file }: { path: string; file?: boolean },
  port: number,
  options: Selection = {},
): Promise<void> {
  const target = `rsync://127.0.0.1:${port}/tree/`;
  // What goes wrong over there is told here; the daemon would say it to its own standard error.
  const exactly = [...exactCopy, "--stderr=client"];
  if (file) {
    await run("rsync", [...withoutDeletion(exactly), "--ignore-times", from, target], { signal: options.signal });
    return;
  }
  if (options.always && options.always.length > 0) {
    await run("rsync", [...withoutDeletion(exactly), "--ignore-times", ...listed, `${from}/`, target], {
      input: options.always.map((path) => `./${path}`).join("\0"),
      signal: options.signal,
    });
    return;
  }
  const { paths, signal } = options;
  const list = paths ? { input: Buffer.from(paths.join("\0"), "latin1") } : {};
  await run("rsync", [...exactly, ...(paths ? listed : []), `${from}/`, target], { ...list, signal, accept: copied });
}

/**
 * Paths begin with `./`: rsync takes a name that begins with `#` or `;` for a comment. One that is gone meanwhile is no failure, as
 * it is none of a round over everything: somebody else may write to a volume.
 */
const listed = ["--files-from=-", "--from0", "--ignore-missing-args"];

const withoutDeletion = (options: string[]) => options.filter((option) => !option.startsWith("--delete"));

/**
 * The receiving side of one `sendTree`, as a stream that speaks rsync. `configPath` is a file of ours, written anew. rsync leaves
 * nothing outside `path`: it runs as a daemon with one module, over its standard input and output.
 */
export async function serveTree(path: string, configPath: string): Promise<Duplex> {
  const module = [
    `path = ${path}`,
    "read only = no",
    "use chroot = no",
    "munge symlinks = no",
    "uid = 0",
    "gid = 0",
    "numeric ids = yes",
  ];
  await writeFile(configPath, ["log file = /dev/null", "[tree]", ...module, ""].join("\n"), { mode: 0o600 });
  const child = spawn("rsync", ["--server", "--daemon", `--config=${configPath}`, "."], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const stream = Duplex.from({ writable: untilDeaf(child.stdin), readable: child.stdout });
  child.once("exit", () => rm(configPath, { force: true }).catch(() => {}));
  child.once("error", (error) => stream.destroy(error));
  stream.once("close", () => child.kill());
  return stream;
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
