const KiB = 1024;
/** Enough to keep both ends busy between two near hosts. */
const minBytes = 512 * KiB;
/** As much as a stream can carry without an answer. */
const maxBytes = 8 * 1024 * KiB;
const stepBytes = 256 * KiB;

/**
 * Limits how many bytes may be on their way although no thread waits for them. A wanted page arrives only after all of these bytes.
 * So the limit halves with each wanted page. It grows by a step each time that as many bytes have arrived without a wanted page, up
 * to what distant hosts need.
 */
export class Flight {
  /** Bytes that may be on their way. */
  limit = minBytes;
  #frames: { number: number; bytes: number }[] = [];
  #onWay = 0;
  #calm = 0;

  /** Whether no frame is on its way. */
  get empty(): boolean {
    return this.#frames.length === 0;
  }

  /** Whether no more may be sent now. */
  get full(): boolean {
    return this.#onWay >= this.limit;
  }

  /** A frame is on its way. Numbers of frames rise. */
  sent(frame: number, bytes: number): void {
    this.#frames.push({ number: frame, bytes });
    this.#onWay += bytes;
  }

  /** All frames up to this number have arrived. */
  arrived(frame: number): void {
    let here = 0;
    while (this.#frames[here] && (this.#frames[here]?.number ?? 0) <= frame) here += 1;
    for (const { bytes } of this.#frames.splice(0, here)) {
      this.#onWay -= bytes;
      this.#calm += bytes;
    }
    if (this.#calm < this.limit) return;
    this.#calm = 0;
    this.limit = Math.min(this.limit + stepBytes, maxBytes);
  }

  /** A thread waits for a page. */
  wanted(): void {
    this.#calm = 0;
    this.limit = Math.max(this.limit / 2, minBytes);
  }
}
