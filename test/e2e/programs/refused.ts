import { describe, expect, test } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import type { TestLab } from "../support/lab.ts";
import { countsOn, expectConsecutive, stateOf } from "../support/looper.ts";
import { recordRefused } from "./support/results.ts";

const without = "have the program do without it, or move it while nothing of it is open";
/** What inside/unsupported.c holds. */
const kinds = [
  { id: "io_uring", by: "preflight", what: "io_uring", says: /an io_uring \(process 1, unsupported\) open/ },
  { id: "mqueue", by: "preflight", what: "POSIX message queues", says: /the POSIX message queue \/queue/ },
  { id: "landlock", by: "preflight", what: "A Landlock ruleset that is open", says: /a Landlock ruleset/ },
  { id: "secret", by: "preflight", what: "Secret memory (`memfd_secret`)", says: /secret memory/ },
  { id: "perf", by: "preflight", what: "Performance counters (`perf_event_open`)", says: /a performance counter/ },
  { id: "bpf", by: "preflight", what: "BPF maps", says: /a BPF map/ },
  { id: "vsock", by: "preflight", what: "Sockets to the hypervisor (vsock)", says: /the family vsock/ },
  {
    id: "mptcp",
    by: "preflight",
    what: "Sockets of multipath TCP",
    says: /multipath TCP/,
    how: "`GODEBUG=multipathtcp=0` in Go",
  },
  {
    id: "tty",
    by: "preflight",
    what: "`/dev/tty` of the container's terminal, open while a job is in the foreground",
    says: /\/dev\/tty while another job is in the foreground \(process 1, unsupported/,
    flags: "-t",
    how: "end that job",
  },
  {
    id: "tty-child",
    by: "preflight",
    what: "`/dev/tty` of the container's terminal, opened by another process than the first one of its session",
    says: /\/dev\/tty \(only the first process of a session may\)/,
    flags: "-t",
  },
  {
    id: "userns",
    by: "preflight",
    what: "A container within the container",
    says: /a namespace of its own/,
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
      const options = "flags" in more ? `${allowed} ${more.flags}` : allowed;
      await lab.on("h1", `docker run --pull never -d --name held ${options} servers /opt/unsupported ${id}`);
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
