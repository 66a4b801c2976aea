import type { AgentParts, AgentWork } from "../src/agent/assemble.ts";
import { hostRoutes } from "../src/agent/routes/hosts.ts";
import { migrationRoutes } from "../src/agent/routes/migrations.ts";
import { operationRoutes } from "../src/agent/routes/operations.ts";
import type { Lookup } from "../src/checkpoint/lookup.ts";
import { GodwitError } from "../src/contract/errors.ts";
import type { MigrationAbout } from "../src/contract/migration.ts";
import { type RouteName, type RouteTable, routes } from "../src/contract/routes.ts";
import type { Host } from "../src/host/host.ts";

/**
 * The work of an agent without Docker: one container `looper` that never holds still, and moves that do nothing. The routes of hosts,
 * migrations and operations are the real ones; `more` replaces routes.
 */
export function fakeWork({ name, operations, peers }: AgentParts, more: Partial<RouteTable> = {}): AgentWork {
  const host = { name, facts: unanswered } as unknown as Host;
  const usage = () => ({ upMs: 0, memoryBytes: 0, cpuMs: 0, longestBlockMs: 0 });
  const find = { container: async (asked: string) => looperOn(name, asked) } as unknown as Lookup;
  return {
    routes: {
      ...(Object.fromEntries(Object.keys(routes).map((route) => [route, unanswered])) as Record<RouteName, never>),
      ...hostRoutes({ host, peers, usage }),
      ...operationRoutes({ operations }),
      ...migrationRoutes({ operations, find, outgoing: fakeDepartures(operations) }),
      containers: async () => [
        {
          ...{ host: name, id: "0123456789ab", name: "looper", image: "busybox", state: "running" },
          ...{ status: "Up 2 seconds", runtime: "godwit", obstacles: [] },
        },
      ],
      checkpoints: async () => [],
      ...more,
    },
    registerPeerRoutes: () => {},
    recover: async () => {},
    close: () => {},
  };
}

type MigrationDeps = Parameters<typeof migrationRoutes>[0];

/** A cold move ends at once, any other only when it is cancelled. */
const fakeDepartures = (operations: AgentParts["operations"]): MigrationDeps["outgoing"] => ({
  migrate(container, request) {
    const { destination, mode, downtimeLimitMs, bandwidth, drainBandwidth, onNoConvergence } = request;
    const settings = { downtimeLimitMs, bandwidth, drainBandwidth };
    const about: MigrationAbout = { destination, asked: mode, mode: null, settings, onNoConvergence };
    const spec = { kind: "migrate", container: container.Name.slice(1), cancellable: true, about } as const;
    return operations.start(spec, async (context) => {
      const { signal } = context;
      context.phase("preflight", `To ${destination}`);
      if (mode !== "cold") {
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      }
      return { ok: true };
    });
  },
  plan: unanswered,
  recover: unanswered,
  set: refuse,
  switchNow: refuse,
});

function looperOn(host: string, asked: string) {
  if (asked === "looper") return { found: { Name: "/looper" }, name: "looper" };
  throw new GodwitError("no-such-container", `There is no container '${asked}' on ${host}.`);
}

function refuse(): never {
  throw new GodwitError("wrong-phase", "The fake cannot be steered.");
}

async function unanswered(): Promise<never> {
  throw new GodwitError("internal", "The fake does not answer this.");
}
