import { Duplex } from "node:stream";
import { decodeAck, encodeAck, encodeHeader, FrameReader, frameType, longestFrame } from "./resumable-frames.ts";

/** So much may be on its way without an answer; a writer waits beyond it. */
const windowBytes = 8 * 2 ** 20;
/** An answer is given at least so often. */
const ackEveryBytes = 256 * 1024;
/** Up to this size a piece goes out in one write with its header. */
const copiedBytes = 16 * 1024;
const pingEveryMs = 2000;
/** A connection that was silent for so long is given up for another one. */
const silenceMs = 7000;

/**
 * A two-way stream of bytes that outlives its connections: what was sent and not acknowledged is sent again over the next one,
 * and nothing is lost, doubled or out of order. It ends when both sides have ended it; it breaks only when one side
 * destroys it, or `give up` is called: without a connection it waits.
 */
export class ResumableStream extends Duplex {
  #connection: Duplex | undefined;
  /** The same, once the other side has said how much it has: only then may data follow. */
  #greeted: Duplex | undefined;
  #lastHeard = 0;
  #pinger: NodeJS.Timeout | undefined;
  readonly #onDown: () => void;

  // Sending: bytes [#acknowledged, #written) are kept in #unacknowledged.
  #unacknowledged: Buffer[] = [];
  #acknowledged = 0;
  #written = 0;
  #ended = false;
  #endAcknowledged = false;
  #resumeWriter: (() => void) | undefined;
  #finished: (() => void) | undefined;

  // Receiving.
  #received = 0;
  #reportedReceived = 0;
  #otherEnded = false;

  /** `onDown` is called each time a connection was lost; whoever can make another one gives it to `attach`. */
  constructor(onDown: () => void = () => {}) {
    super({ allowHalfOpen: true });
    this.#onDown = onDown;
    this.on("error", () => {});
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Goes on over a connection; a former one is dropped. Both ends first say how much has arrived. */
  attach(connection: Duplex): void {
    this.#drop();
    if (this.destroyed) {
      connection.destroy();
      return;
    }
    this.#connection = connection;
    this.#lastHeard = performance.now();
    const reader = new FrameReader();
    let greeted = false;
    connection.on("data", (chunk: Buffer) => {
      if (this.#connection !== connection) return;
      this.#lastHeard = performance.now();
      try {
        for (const { type, payload } of reader.read(chunk)) {
          if (greeted) this.#hear(type, payload);
          else {
            // The first word of each side is how much it has: from there on it is sent again.
            greeted = true;
            this.#acknowledge(decodeAck(payload));
            this.#sendAgain(connection);
          }
        }
      } catch {
        this.#lose(connection);
      }
    });
    connection.on("error", () => this.#lose(connection));
    connection.on("close", () => this.#lose(connection));
    connection.on("end", () => this.#lose(connection));
    connection.on("drain", () => this.#connection === connection && this.#letWrite());
    connection.write(this.#ackFrame());
    this.#pinger = setInterval(() => this.#watch(connection), pingEveryMs);
    this.#pinger.unref();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#unacknowledged.push(chunk);
    this.#written += chunk.length;
    if (this.#greeted) sendData(this.#greeted, chunk);
    this.#resumeWriter = done;
    this.#letWrite();
  }

  override _final(done: () => void): void {
    this.#ended = true;
    this.#finished = done;
    this.#greeted?.write(encodeHeader(frameType.end, 0));
  }

  override _read(): void {
    this.#connection?.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const inOrder = this.#endAcknowledged && this.#otherEnded;
    if (!inOrder) this.#connection?.write(encodeHeader(frameType.abort, 0));
    this.#connection?.end();
    this.#connection = undefined;
    this.#greeted = undefined;
    clearInterval(this.#pinger);
    done(error);
  }

  #hear(type: number, payload: Buffer): void {
    if (type === frameType.data) {
      this.#received += payload.length;
      if (!this.push(payload)) this.#connection?.pause();
      if (this.#received - this.#reportedReceived >= ackEveryBytes) this.#reportReceived();
    } else if (type === frameType.ack) {
      this.#acknowledge(decodeAck(payload));
    } else if (type === frameType.end) {
      if (!this.#otherEnded) {
        this.#otherEnded = true;
        this.push(null);
      }
      this.#reportReceived();
    } else if (type === frameType.abort) {
      this.destroy(new Error("the other side gave the stream up"));
    } else if (type === frameType.ping) this.#reportReceived();
  }

  /** Bytes up to `total` have arrived there; the end counts as one more. */
  #acknowledge(total: number): void {
    let freed = Math.min(total, this.#written) - this.#acknowledged;
    this.#acknowledged = Math.max(this.#acknowledged, Math.min(total, this.#written));
    while (freed > 0) {
      const [first] = this.#unacknowledged;
      if (!first) break;
      if (first.length <= freed) {
        this.#unacknowledged.shift();
        freed -= first.length;
      } else {
        this.#unacknowledged[0] = first.subarray(freed);
        freed = 0;
      }
    }
    if (this.#ended && total > this.#written && !this.#endAcknowledged) {
      this.#endAcknowledged = true;
      this.#finished?.();
    }
    this.#letWrite();
  }

  #letWrite(): void {
    if (this.#written - this.#acknowledged >= windowBytes || !this.#greeted) return;
    if (this.#greeted.writableNeedDrain) return;
    const resume = this.#resumeWriter;
    this.#resumeWriter = undefined;
    resume?.();
  }

  #reportReceived(): void {
    this.#reportedReceived = this.#received;
    this.#connection?.write(this.#ackFrame());
  }

  #ackFrame(): Buffer {
    return encodeAck(this.#received + (this.#otherEnded ? 1 : 0));
  }

  #sendAgain(connection: Duplex): void {
    this.#greeted = connection;
    for (const chunk of this.#unacknowledged) sendData(connection, chunk);
    if (this.#ended) connection.write(encodeHeader(frameType.end, 0));
    this.#letWrite();
  }

  #watch(connection: Duplex): void {
    if (this.#connection !== connection) return;
    // A reader that does not read has paused the connection: then its silence says nothing.
    if (!connection.isPaused() && performance.now() - this.#lastHeard > silenceMs) this.#lose(connection);
    else connection.write(encodeHeader(frameType.ping, 0));
  }

  #lose(connection: Duplex): void {
    if (this.#connection !== connection) return;
    this.#drop();
    if (!this.destroyed) this.#onDown();
  }

  #drop(): void {
    clearInterval(this.#pinger);
    const connection = this.#connection;
    this.#connection = undefined;
    this.#greeted = undefined;
    connection?.destroy();
  }
}

function sendData(connection: Duplex, chunk: Buffer): void {
  for (let at = 0; at < chunk.length; at += longestFrame) {
    const part = chunk.subarray(at, at + longestFrame);
    const header = encodeHeader(frameType.data, part.length);
    // A single page must not be two packets; a large piece must not be copied.
    if (part.length <= copiedBytes) connection.write(Buffer.concat([header, part]));
    else {
      connection.write(header);
      connection.write(part);
    }
  }
}
