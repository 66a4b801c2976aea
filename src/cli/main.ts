import { writeSync } from "node:fs";
import { jsonReporter } from "./reporters/json.ts";
import { plainReporter } from "./reporters/plain.ts";
import { runCli } from "./run.ts";

// A terminal without a size (a serial line, a recording) cannot be redrawn.
const isRedrawable = process.stdout.isTTY && process.stdout.columns > 0;
// Its tables of the widths of characters take a fifth of a command's start: only terminals need them.
const tty = isRedrawable ? await import("./reporters/tty.ts") : undefined;
const terminal = { out: (text: string) => write(1, text), err: (text: string) => write(2, text) };

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  terminal,
  interrupts: {
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
    leave: () => process.exit(130),
  },
  reporter: (json) => {
    if (json) return jsonReporter(terminal);
    return tty ? tty.ttyReporter(terminal, process.stdout) : plainReporter(terminal);
  },
});

// Written at once: the end of the process loses nothing, and a line is there before what comes after it.
function write(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // A full pipe that its reader made non-blocking; waiting is all there is to do.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      // The reader has left (`| head`): that is no failure, and there is nobody to tell.
      else if (code === "EPIPE") process.exit(0);
      else throw error;
    }
  }
}
