import { spawn } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { Duplex, Writable } from "node:stream";
import { run } from "../process.ts";
import { copied, exactCopy } from "./trees.ts";

/**
 * Makes the tree behind a port of 127.0.0.1 (a `serveTree` on the other host) equal to `from`, a folder; or the file of the same
 * name in it. What has kept its time and size is not looked at, except the files in `always`.
 * @throws command-failed
 */
export async function sendTree(
  { path: from, file }: { path: string; file?: boolean },
  port: number,
  options: { always?: string[]; signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const target = `rsync://127.0.0.1:${port}/tree/`;
  // What goes wrong over there is told here; the daemon would say it to its own standard error.
  const exactly = [...exactCopy, "--stderr=client"];
  if (file) {
    await run("rsync", [...withoutDeletion(exactly), "--ignore-times", from, target], { signal: options.signal });
    return;
  }
  if (options.always && options.always.length > 0) {
    const files = options.always.join("\n");
    await run("rsync", [...withoutDeletion(exactly), "--ignore-times", "--files-from=-", `${from}/`, target], {
      input: files,
      signal: options.signal,
    });
    return;
  }
  await run("rsync", [...exactly, `${from}/`, target], { signal: options.signal, accept: copied });
}

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
