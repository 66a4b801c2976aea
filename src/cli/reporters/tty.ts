import { createLogUpdate } from "log-update";
import { follow, type Live, liveLines, newLive, transitionLine } from "./live.ts";
import { plainReporter } from "./plain.ts";
import type { Reporter, Terminal } from "./reporter.ts";

const frameMs = 100;
const frames = ["|", "/", "-", "\\"];

/** For people at a terminal: a live display while an operation runs, then what came of it. */
export function ttyReporter(terminal: Terminal, stream: NodeJS.WriteStream): Reporter {
  const plain = plainReporter(terminal);
  const update = createLogUpdate(stream, { showCursor: true });
  let live: Live | undefined;
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  const draw = () => {
    frame += 1;
    if (live) update(liveLines(live, frames[frame % frames.length] ?? "", stream.columns ?? 80).join("\n"));
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    if (!live) return;
    // The spinner's last frame would stay; the phases are worth keeping.
    update(liveLines({ ...live, progress: undefined }, " ", stream.columns ?? 80).join("\n"));
    update.done();
    live = undefined;
  };
  const above = (text: string) => (live ? update.persist(text) : terminal.err(`${text}\n`));
  return {
    progress: plain.progress,
    notice: above,
    event: (event) => {
      if (event.body.type === "ended") return stop();
      live = follow(live ?? newLive(), event);
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
