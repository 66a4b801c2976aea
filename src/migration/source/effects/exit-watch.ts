import { GodwitError } from "../../../contract/errors.ts";
import { containerName } from "../../../host/container/facts.ts";
import type { Engine } from "../../../host/engine/engine.ts";
import type { ContainerInspect } from "../../../host/engine/inspect.ts";

/** Learns that a container ends by itself while it is being moved: there is nothing left to move then. */
export class ExitWatch implements Disposable {
  /** Aborts with `container-exited`. */
  readonly signal: AbortSignal;
  readonly #engine: Engine;
  readonly #container: ContainerInspect;
  readonly #exited = new AbortController();
  readonly #stop = new AbortController();

  /** `container` as it was when it was found. */
  constructor(engine: Engine, container: ContainerInspect) {
    this.#engine = engine;
    this.#container = container;
    this.signal = this.#exited.signal;
    // Where Docker cannot tell, the work itself fails, and `reason` asks again.
    this.#wait().catch(() => {});
  }

  /** What ended the work, where it was the end of the container; otherwise the error that it ended with. */
  async reason(thrown: unknown): Promise<unknown> {
    if (this.signal.aborted) return this.signal.reason;
    if (!this.#container.State.Running) return thrown;
    const now = await this.#engine.find(this.#container.Id).catch(() => this.#container);
    if (now?.State.Running && now.State.Pid === this.#container.State.Pid) return thrown;
    return this.#error(now && !now.State.Running ? now.State.ExitCode : null);
  }

  /** From now on it is held, or ended by us. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #wait(): Promise<void> {
    const status = await this.#engine.waitForExit(this.#container.Id, { next: true, signal: this.#stop.signal });
    if (!this.#stop.signal.aborted) this.#exited.abort(this.#error(status));
  }

  #error(status: number | null): GodwitError {
    const name = containerName(this.#container);
    const how = status === null ? "exited" : `exited with status ${status}`;
    return new GodwitError("container-exited", `Container '${name}' ${how} while it was being moved.`, {
      hint: this.#container.HostConfig.AutoRemove
        ? "It was started with --rm, so that Docker has removed it."
        : `The container and its log are unchanged: docker logs ${name}`,
    });
  }
}
