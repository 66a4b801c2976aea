const KiB = 1024;
/** As little keeps both ends busy between two hosts that are near each other. */
const minBytes = 512 * KiB;
/** As much as a stream carries without an answer. */
const maxBytes = 8 * 1024 * KiB;
const stepBytes = 256 * KiB;

/**
 * How much may be on its way while nobody waits for it. A wanted page arrives after all of it: so it halves with each page that
 * is wanted, and grows again by a step for each time that as much has arrived without one, as far as distant hosts need.
 */
export class Flight {
  /** Bytes that may be on their way. */
  limit = minBytes;
  #frames: { number: number; bytes: number }[] = [];
  #onWay = 0;
  #calm = 0;

  /** Nothing is on its way. */
  get empty(): boolean {
    return this.#frames.length === 0;
  }

  get full(): boolean {
    return this.#onWay >= this.limit;
  }

  sent(frame: number, bytes: number): void {
    this.#frames.push({ number: frame, bytes });
    this.#onWay += bytes;
  }

  /** All frames up to this one are there. */
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

  /** Somebody waits for a page. */
  wanted(): void {
    this.#calm = 0;
    this.limit = Math.max(this.limit / 2, minBytes);
  }
}
