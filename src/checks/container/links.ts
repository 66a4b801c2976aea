import * as z from "zod";
import type { Check, ContainerOnHost } from "../check.ts";
import { fail } from "../finding.ts";

const withLinks = z.object({ HostConfig: z.object({ Links: z.array(z.string()).min(1) }) });

/** Docker's old links name containers of the same host by their ids. A restore on that host finds them again. */
export const links: Check<ContainerOnHost> = {
  key: "links",
  audiences: ["migration"],
  run: ({ container: { inspect } }) => {
    const linked = withLinks.safeParse(inspect);
    if (!linked.success) return [];
    const names = linked.data.HostConfig.Links.map((link) => link.split(":")[0]?.replace(/^\//, "")).join(", ");
    const what = `the container is linked to other containers of its host (${names})`;
    return [fail("unsupported-container", what, "use a network instead of --link")];
  },
};
