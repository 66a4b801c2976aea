import type { AllSettings, MigrateRequest, MigrationSettings } from "../../../contract/migration.ts";
import { RateLimit } from "../../../transport/streams/rate-limit.ts";

/** What an operator steers while a migration runs. Its phases read it anew each time they decide. */
export class MigrationControls {
  downtimeLimitMs: number;
  /** Of what is sent while the container runs on the source; not of the switchover, which would only get longer. */
  readonly syncRate: RateLimit;
  /** Of the memory that follows after the resume. */
  readonly drainRate: RateLimit;
  /** Set while there is something that `switchNow` would cut short. */
  switchable = false;
  #switchRequested = false;

  constructor(request: Pick<MigrateRequest, "downtimeLimitMs" | "bandwidth" | "drainBandwidth">) {
    this.downtimeLimitMs = request.downtimeLimitMs;
    this.syncRate = new RateLimit(request.bandwidth);
    this.drainRate = new RateLimit(request.drainBandwidth);
  }

  get switchRequested(): boolean {
    return this.#switchRequested;
  }

  get settings(): AllSettings {
    return {
      downtimeLimitMs: this.downtimeLimitMs,
      bandwidth: this.syncRate.bytesPerSecond,
      drainBandwidth: this.drainRate.bytesPerSecond,
    };
  }

  set({ downtimeLimitMs, bandwidth, drainBandwidth }: MigrationSettings): void {
    if (downtimeLimitMs !== undefined) this.downtimeLimitMs = downtimeLimitMs;
    if (bandwidth !== undefined) this.syncRate.bytesPerSecond = bandwidth;
    if (drainBandwidth !== undefined) this.drainRate.bytesPerSecond = drainBandwidth;
  }

  /** Pre-copy goes to the switchover without waiting for its rounds to converge. */
  switchNow(): void {
    this.#switchRequested = true;
  }
}
