import type { Engine } from "../../src/host/engine/engine.ts";

export type EngineMethod = keyof Engine;

export interface Faults {
  /** All calls in their order, with their arguments, also those that failed. */
  readonly calls: [EngineMethod, ...unknown[]][];
  /** From now on the method throws, as often as `times` says. With `after` the action is done before: only its answer is lost. */
  fail(method: EngineMethod, error: Error, options?: { times?: number; after?: boolean }): void;
  /** From now on the method does nothing and does not return, until the function that is returned is called. */
  hang(method: EngineMethod): () => void;
  /** The method works again. */
  mend(method: EngineMethod): void;
}

interface Fault {
  error: Error;
  left: number;
  after: boolean;
}

/** The same engine, whose every method can be made to fail. */
export function withFaults(engine: Engine): Engine & Faults {
  const calls: Faults["calls"] = [];
  const faults = new Map<EngineMethod, Fault>();
  const gates = new Map<EngineMethod, Promise<void>>();

  const taken = (method: EngineMethod): Fault | undefined => {
    const fault = faults.get(method);
    if (!fault || fault.left === 0) return undefined;
    fault.left -= 1;
    return fault;
  };
  const guarded = (method: EngineMethod) => {
    const act = engine[method] as (...given: unknown[]) => Promise<unknown>;
    return async (...given: unknown[]) => {
      calls.push([method, ...given]);
      // Without a gate the action begins at once, as a request to Docker does.
      const gate = gates.get(method);
      if (gate) await gate;
      const fault = taken(method);
      if (fault && !fault.after) throw fault.error;
      const answer = await act(...given);
      if (fault) throw fault.error;
      return answer;
    };
  };

  const methods = Object.keys(engine) as EngineMethod[];
  return {
    ...(Object.fromEntries(methods.map((method) => [method, guarded(method)])) as unknown as Engine),
    calls,
    fail(method, error, { times = Number.POSITIVE_INFINITY, after = false } = {}) {
      faults.set(method, { error, left: times, after });
    },
    hang(method) {
      const { promise, resolve } = Promise.withResolvers<void>();
      gates.set(method, promise);
      return () => {
        if (gates.get(method) === promise) gates.delete(method);
        resolve();
      };
    },
    mend(method) {
      faults.delete(method);
    },
  };
}
