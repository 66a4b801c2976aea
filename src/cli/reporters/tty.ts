import { createLogUpdate } from "log-update";
import { follow, type Live, liveLines, newLive } from "../../view/live.ts";
import { transitionLine } from "../../view/transitions.ts";
import { plainReporter } from "./plain.ts";
import type { Reporter, Terminal } from "./reporter.ts";

const frameMs = 100;
const frames = ["|", "/", "-", "\\"];

/** For people at a terminal: a live display while an operation runs, then its result. */
export function ttyReporter(terminal: Terminal, stream: NodeJS.WriteStream): Reporter {
  const plain = plainReporter(terminal);
  const update = createLogUpdate(stream, { showCursor: true });
  let live: Live | undefined;
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  const lines = (shown: Live, spinner: string) =>
    liveLines(shown, spinner, stream.columns ?? 80, performance.now()).join("\n");
  const draw = () => {
    frame += 1;
    if (live) update(lines(live, frames[frame % frames.length] ?? ""));
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    if (!live) return;
    // Clears the spinner, whose last frame would stay. The phases stay.
    update(lines({ ...live, progress: undefined }, " "));
    update.done();
    live = undefined;
  };
  const above = (text: string) => (live ? update.persist(text) : terminal.err(`${text}\n`));
  return {
    progress: plain.progress,
    notice: above,
    event: (event) => {
      if (event.body.type === "ended") return stop();
      live = follow(live ?? newLive(), event, performance.now());
      timer ??= setInterval(draw, frameMs).unref();
      if (event.body.type === "warning") above(transitionLine(event) ?? "");
      draw();
    },
    output: (output) => {
      stop();
      plain.output(output);
    },
    error: (report) => {
      stop();
      plain.error(report);
    },
  };
}
