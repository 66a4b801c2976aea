import { spawn } from "node:child_process";
import { Duplex, Writable } from "node:stream";
import { commandFailed } from "../proc/process.ts";

/** A program that takes files from another host, over its standard input and output. */
export interface Served {
  stream: Duplex;
  /** Settles when everything is written. @throws command-failed where not everything has arrived */
  ended: Promise<void>;
}

/** Starts such a program. `path` is its working folder. */
export function serve(command: string, args: string[], path: string): Served {
  const child = spawn(command, args, { cwd: path, stdio: ["pipe", "pipe", "ignore"] });
  const stream = Duplex.from({ writable: untilClosed(child.stdin), readable: child.stdout });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("exit", (code, killed) => {
      if (code === 0) resolve();
      else reject(commandFailed(command, code ?? killed ?? "unknown", ""));
    });
    child.once("error", (error) => {
      stream.destroy(error);
      reject(error);
    });
  });
  // A caller that does not wait for it gets the error from the sending side.
  ended.catch(() => {});
  stream.once("close", () => !stream.readableEnded && child.kill());
  return { stream, ended };
}

/**
 * Drops what is written after the program has stopped reading. One that gives up stops reading and then reports why; an error of the
 * stream would lose that report.
 */
function untilClosed(stdin: Writable): Writable {
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
