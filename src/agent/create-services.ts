import { GodwitError } from "../contract/errors.ts";
import type { Services, ServicesContext } from "./services.ts";

/** The services of a real host. */
export function createServices(_context: ServicesContext): Services {
  const missing = async (): Promise<never> => {
    throw new GodwitError("internal", "not built yet.");
  };
  return {
    facts: missing,
    doctor: missing,
    containers: missing,
    container: missing,
    checkpoints: missing,
    checkpoint: missing,
    removeCheckpoint: missing,
    createCheckpoint: missing,
    restore: missing,
    rollback: missing,
    clone: missing,
    migrate: missing,
    plan: missing,
    recover: missing,
    resume: async () => {},
    close: async () => {},
  };
}
