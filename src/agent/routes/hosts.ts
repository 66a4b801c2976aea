import { doctor } from "../../checks/audiences/doctor.ts";
import { errorReport } from "../../contract/errors.ts";
import { hostFacts } from "../../contract/facts.ts";
import { health, type RouteTable } from "../../contract/routes.ts";
import { apiPrefix, protocol, version } from "../../contract/version.ts";
import type { RouteDeps } from "./deps.ts";

const healthTimeoutMs = 3_000;

/** This host and its agent, and the other configured hosts. */
export const hostRoutes = ({ host, peers, usage }: Pick<RouteDeps, "host" | "peers" | "usage">) =>
  ({
    health: async () => ({ name: host.name, version, protocol }),
    usage: async () => usage(),
    facts: () => host.facts(),

    async doctor({ query: { with: other } }) {
      const own = await host.facts();
      if (other === undefined) return { host: host.name, with: null, verdicts: doctor(own) };
      const theirs = hostFacts.parse(await peers.get(other).json("GET", `${apiPrefix}/facts`));
      return { host: host.name, with: other, verdicts: doctor(own, theirs) };
    },

    hosts: () =>
      Promise.all(
        peers.hosts.map(async (known) => {
          if (known.self) return { ...known, reachable: true, problem: null, version };
          try {
            const peer = peers.get(known.name);
            const answer = await peer.json("GET", `${apiPrefix}/health`, undefined, { timeoutMs: healthTimeoutMs });
            return { ...known, reachable: true, problem: null, version: health.parse(answer).version };
          } catch (error) {
            return { ...known, reachable: false, problem: errorReport(error).message, version: null };
          }
        }),
      ),
  }) satisfies Partial<RouteTable>;
