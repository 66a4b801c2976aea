import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SmallImage } from "../../../contract/peer/messages.ts";
import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { uploadToPeer } from "../../../transport/peer-calls.ts";
import { filesStream } from "../../../transport/streams/files.ts";
import type { Move } from "../move.ts";

/** Images up to this size go with the offer, in one round trip. */
const inlineBytes = 256 * 1024;
/** How often the folder is looked at while CRIU writes it. */
const lookMs = 20;

/** CRIU's images on their way to the destination. */
export interface ImageTransfer {
  /**
   * Call it when nothing changes the images any more. It returns when the large ones have arrived.
   * @returns the small ones, for the offer
   */
  finish(): Promise<SmallImage[]>;
  /** Ends what `finish` has not ended. */
  drop(): void;
}

/**
 * Begins to send the large images, in one stream, while CRIU still dumps. A tree of processes has some MiB for each of them: what a
 * program has written to its libraries and its own file when it started.
 */
export function beginImages({ counter, peer, record, space, stop }: Move): ImageTransfer {
  const dumped = new AbortController();
  const dropped = new AbortController();
  const signal = AbortSignal.any([stop, dropped.signal]);
  const whole = wholeImages(space.images, dumped.signal, signal, (bytes) => {
    counter.sent += bytes;
  });
  const sending = (async () => {
    const first = await whole.next();
    if (first.done) return;
    const paths = (async function* () {
      yield first.value;
      yield* whole;
    })();
    const params = { migration: record.migration };
    await uploadToPeer(peer, migrationProtocol.sendCriuImages, params, {}, filesStream(paths), { signal });
  })();
  // It is told by `finish`. Where that is not called, something else has failed.
  sending.catch(() => {});
  return {
    async finish() {
      dumped.abort();
      const all = await examined(space.images, await readdir(space.images));
      const inline = all.filter(({ size }) => size <= inlineBytes);
      for (const { size } of inline) counter.sent += size;
      const small = inline.map(async ({ name, path }) => ({ name, data: (await readFile(path)).toString("base64") }));
      const [images] = await Promise.all([Promise.all(small), sending]);
      return images;
    },
    drop: () => dropped.abort(),
  };
}

/**
 * The large images of a folder, each when it is complete. CRIU writes the pages of one process after those of another, so a file of
 * pages is complete when there is one with a larger number. If it has changed nevertheless, it comes once more.
 */
async function* wholeImages(
  folder: string,
  dumped: AbortSignal,
  signal: AbortSignal,
  onImage: (bytes: number) => void,
): AsyncGenerator<string> {
  const sent = new Map<string, string>();
  for (let isLast = false; !isLast; ) {
    isLast = dumped.aborted;
    const names = await readdir(folder);
    const newest = names.reduce((most, name) => Math.max(most, pagesNumber(name)), -1);
    const isWhole = (name: string) => pagesNumber(name) >= 0 && pagesNumber(name) < newest && !sent.has(name);
    for (const { name, path, size, stamp } of await examined(folder, isLast ? names : names.filter(isWhole))) {
      if (size <= inlineBytes || sent.get(name) === stamp) continue;
      sent.set(name, stamp);
      onImage(size);
      yield path;
    }
    signal.throwIfAborted();
    if (!isLast) await sleep(lookMs, undefined, { signal: AbortSignal.any([signal, dumped]) }).catch(() => {});
  }
}

/** N of `pages-N.img`; -1 for another name. */
const pagesNumber = (name: string) => Number(/^pages-(\d+)\.img$/.exec(name)?.[1] ?? -1);

const examined = (folder: string, names: string[]) =>
  Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const { size, mtimeMs } = await stat(path);
      return { name, path, size, stamp: `${size} ${mtimeMs}` };
    }),
  );
