import { writeSync } from "node:fs";
import { jsonReporter } from "./reporters/json.ts";
import { plainReporter } from "./reporters/plain.ts";
import { runCli } from "./run.ts";

// A terminal without a size (a serial line, a recording) cannot redraw lines.
const isRedrawable = process.stdout.isTTY && process.stdout.columns > 0;
// Loading its tables of character widths takes a fifth of a command's start, and only terminals need them.
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

// Synchronous: the process loses no line when it ends, and lines keep their order.
function write(fd: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // The pipe is full, and its reader made it non-blocking: wait and try again.
      if (code === "EAGAIN") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
      // The reader has ended (`| head`). That is not a failure.
      else if (code === "EPIPE") process.exit(0);
      else throw error;
    }
  }
}
