import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, stateOf } from "../support/looper.ts";
import { recordRefused } from "./support/results.ts";

const without = "have the program do without it, or move it while nothing of it is open";
/** What inside/unsupported.c holds. */
const kinds = [
  { id: "io_uring", by: "preflight", what: "io_uring", says: /an io_uring open/ },
  { id: "mqueue", by: "preflight", what: "POSIX message queues", says: /the POSIX message queue \/queue/ },
  { id: "eventfd", by: "preflight", what: "An `eventfd` used as a semaphore (`EFD_SEMAPHORE`)", says: /a semaphore/ },
  { id: "landlock", by: "dump", what: "A Landlock ruleset that is open", says: /landlock-ruleset/ },
  { id: "secret", by: "dump", what: "Secret memory (`memfd_secret`)", says: /memfd_secret/ },
  { id: "perf", by: "dump", what: "Performance counters (`perf_event_open`)", says: /perf_event/ },
  { id: "bpf", by: "dump", what: "BPF maps", says: /bpf-map/ },
  { id: "vsock", by: "dump", what: "Sockets to the hypervisor (vsock)", says: /address family 40/ },
  {
    id: "mptcp",
    by: "dump",
    what: "Sockets of multipath TCP",
    says: /multipath TCP/,
    how: "`GODEBUG=multipathtcp=0` in Go",
  },
  {
    id: "userns",
    by: "dump",
    what: "A container within the container",
    says: /namespaces of its own/,
    how: "move it by itself",
  },
] as const;
/** Those that the dump refuses take one way through godwit. A short run tries one with a message of CRIU's, and one of godwit's. */
const tried = kinds.filter(({ id, by }) => isFullRun || by === "preflight" || id === "bpf" || id === "userns");
// Docker's own seccomp profile keeps some of them from a container anyway.
const allowed = "--security-opt seccomp=unconfined --cap-add SYS_ADMIN --cap-add BPF --cap-add PERFMON";

/** What CRIU cannot migrate is refused with the reason, and the program keeps running without a gap. */
export function unsupported(lab: TestLab): void {
  describe("what CRIU cannot migrate", () => {
    test.each(tried)("$what: refused by the $by, and it runs on", async ({ id, by, what, says, ...more }) => {
      await lab.on("h1", `docker run --pull never -d --name held ${allowed} servers /opt/unsupported ${id}`);
      await countsOn(lab, "h1", "held");
      const error = await lab.refusal("migrate", "h1/held", "h2");
      expect(error).toMatchObject(
        by === "preflight" ? { code: "unsupported-container", exit: 5 } : { code: "dump-failed", exit: 7 },
      );
      expect(error.message).toMatch(says);
      expectConsecutive(await countsOn(lab, "h1", "held"));
      expect(await stateOf(lab, "h2", "held")).toBeUndefined();
      const because = error.message.slice(error.message.indexOf(": ") + 2);
      recordRefused(
        { id, what, how: "how" in more ? more.how : without, test: "test/e2e/programs/refused.ts" },
        by,
        because,
      );
    });
  });
}
