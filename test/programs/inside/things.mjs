import { createServer } from "node:http";
import { setInterval } from "node:timers";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

// Answers the requests of clients/counts.py over HTTP. Four worker threads keep the objects, and replace them by timers. The sums stand
// in memory that all threads share.
const size = 5000;

if (isMainThread) main();
else work();

function main() {
  const sums = new SharedArrayBuffer(64 * 4);
  const workers = [0, 1, 2, 3].map((first) => new Worker(new URL(import.meta.url), { workerData: { first, sums } }));
  const waiting = new Map();
  let asked = 0;
  for (const worker of workers) {
    worker.on("message", ({ id, answer }) => {
      waiting.get(id)(answer);
      waiting.delete(id);
    });
  }
  const ask = (worker, words) =>
    new Promise((resolve) => {
      waiting.set(asked, resolve);
      worker.postMessage({ id: asked++, words });
    });
  let ticks = 0;
  setInterval(() => ticks++, 100);

  async function answer(words) {
    const [what, number] = words;
    if (what === "ticks") return ticks;
    if (what !== "check") return ask(workers[Number(number) % workers.length], words);
    const found = await Promise.all(workers.map((worker) => ask(worker, words)));
    return found.every((one) => one === size) ? `whole ${size * workers.length}` : `wrong: ${found}`;
  }

  createServer(async (request, response) => {
    response.end(`${await answer(request.url.split("/").slice(1))}\n`);
  }).listen(8080);
}

function work() {
  const sums = new Int32Array(workerData.sums);
  const textOf = (key, version) => `${key}:${version}:`.repeat(20);
  const make = (key, version) => ({ key, version, text: textOf(key, version) });
  const things = new Map(Array.from({ length: size }, (_, key) => [key, make(key, 0)]));
  // 250 timers, with twenty objects each.
  for (let first = 0; first < size; first += 20) {
    setInterval(
      () => {
        for (let key = first; key < first + 20; key++) things.set(key, make(key, things.get(key).version + 1));
      },
      500 + (first % 500),
    );
  }
  parentPort.on("message", ({ id, words: [what, number] }) => {
    const answers = {
      add: () => Atomics.add(sums, Number(number), 1) + 1,
      sum: () => Atomics.load(sums, Number(number)),
      check: () => [...things].filter(([key, { version, text }]) => text === textOf(key, version)).length,
    };
    parentPort.postMessage({ id, answer: answers[what]() });
  });
}
