import { containerObstacles } from "../../checks/audiences/obstacles.ts";
import type { RouteTable } from "../../contract/routes.ts";
import { examine, readContainerFacts } from "../../host/container/facts.ts";
import type { RouteDeps } from "./deps.ts";

/** The containers of this host. */
export const containerRoutes = ({ host, find }: Pick<RouteDeps, "host" | "find">) =>
  ({
    async containers() {
      const [listed, facts] = await Promise.all([host.engine.containers(), host.facts()]);
      const found = await Promise.all(listed.map(async (item) => ({ item, inspect: await host.engine.find(item.Id) })));
      const running = found.flatMap(({ inspect }) => (inspect?.State.Running ? [inspect] : []));
      const summaries = found.map(async ({ item, inspect }) => {
        // It was removed after Docker listed it.
        if (!inspect) return undefined;
        const examined = await examine(inspect, { all: listed, running });
        const { id, name, image, state, runtime } = examined;
        const obstacles = containerObstacles(examined, facts);
        return { ...{ host: host.name, id, name, image, state, status: item.Status, runtime }, obstacles };
      });
      return (await Promise.all(summaries)).filter((summary) => summary !== undefined);
    },

    async container({ params }) {
      const { found } = await find.container(params.container);
      return readContainerFacts(host.engine, found, await host.dockerRoot());
    },
  }) satisfies Partial<RouteTable>;
