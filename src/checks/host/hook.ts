import type { Check, OneHost } from "../check.ts";
import { fail, ok } from "../finding.ts";

/** Where Docker does not answer, nobody can say whether it knows the hook. */
export const hook: Check<OneHost> = {
  key: "hook",
  audiences: ["doctor", "destination"],
  run: ({ host: { hook, docker } }) => {
    if (!docker) return [];
    if (hook.registered && hook.installed) return [ok("the runtime hook is registered with Docker")];
    const why = hook.registered ? "its files are missing, or of another version" : "Docker does not know it";
    return [fail("hook-missing", `the runtime hook is not set up: ${why}`, "godwit setup")];
  },
};
