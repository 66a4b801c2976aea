import type { Services, ServicesContext } from "../src/agent/services.ts";
import { GodwitError } from "../src/contract/errors.ts";
import type { MigrationAbout } from "../src/contract/migration.ts";

/** Services without a host, for tests: one container `looper` that never holds still, and moves that do nothing. */
export function fakeServices(context: ServicesContext, more: Partial<Services> = {}): Services {
  const looper = (container: string) => {
    if (container === "looper") return;
    throw new GodwitError("no-such-container", `There is no container '${container}' on ${context.config.name}.`);
  };
  return {
    facts: unanswered,
    doctor: unanswered,
    container: unanswered,
    checkpoint: unanswered,
    removeCheckpoint: unanswered,
    createCheckpoint: unanswered,
    restore: unanswered,
    rollback: unanswered,
    clone: unanswered,
    plan: unanswered,
    setMigration: refuse,
    switchMigration: refuse,
    recover: unanswered,
    resume: async () => {},
    close: async () => {},
    containers: async () => [
      {
        ...{ host: context.config.name, id: "0123456789ab", name: "looper", image: "busybox", state: "running" },
        ...{ status: "Up 2 seconds", runtime: "godwit", obstacles: [] },
      },
    ],
    checkpoints: async () => [],
    migrate: async (container, request) => {
      looper(container);
      const { destination, mode, downtimeLimitMs, bandwidth, drainBandwidth, onNoConvergence } = request;
      const settings = { downtimeLimitMs, bandwidth, drainBandwidth };
      const about: MigrationAbout = { destination, asked: mode, mode: null, settings, onNoConvergence };
      const spec = { kind: "migrate", container, cancellable: true, about } as const;
      return context.operations.start(spec, async (operation) => {
        const { signal } = operation;
        operation.phase("preflight", `To ${request.destination}`);
        if (request.mode !== "cold") {
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        }
        return { ok: true };
      });
    },
    ...more,
  };
}

const refuse = () => {
  throw new GodwitError("wrong-phase", "The fake cannot be steered.");
};
const unanswered = async (): Promise<never> => {
  throw new GodwitError("internal", "The fake does not answer this.");
};
