import { expect, test } from "vitest";
import { explainCriuLog } from "./reason.ts";

test.each([
  [
    "Error (criu/files-ext.c:98): Can't dump file 7 of that type [100600] (unknown anon_inode:[io_uring])",
    /uses io_uring/,
  ],
  [
    "Error (criu/files-reg.c:2206): File root/1 has bad size 142 (expect 120)",
    /the file root\/1 is not as it was .*142 bytes now, 120 then/,
  ],
  ["Error (criu/files-reg.c:1816): Can't lookup mount=24 for fd=-3 path=/bin/x", /\/bin\/x is open on a mount/],
  ["Error (criu/fsnotify.c:284): fsnotify: \tHandle 0x2c:0x1f cannot be opened", /inotify watch/],
  [
    "Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.",
    /established TCP/,
  ],
  ["Error (criu/sockets.c:485): sockets: Can't get 1:16 opt: Operation not supported", /too old for the kernel/],
  ["Error (criu/sk-unix.c:832): unix: External socket is used. Consider using --ext-unix-sk option.", /unix socket/],
  ["Error (criu/file-lock.c:110): Some file locks are hold by dumping tasks! You can try --file-locks", /file lock/],
  ["Error (criu/files-reg.c:1031): Can't dump ghost file /tmp/a of 9000000 size, increase limit", /\/tmp\/a .*9000000/],
  [
    "Error (criu/files-ext.c:98): Can't dump file 9 of that type [20666] (chr 195:255 /dev/nvidiactl)",
    /\/dev\/nvidiactl/,
  ],
  ["Error (criu/files-ext.c:98): Can't dump file 9 of that type [20666] (chr 10:232)", /character device 10:232/],
  ["Error (criu/files-reg.c:1790): Can't lookup mount=15 for fd=3 path=/secretmem (deleted)", /memfd_secret/],
  [
    "Error (criu/files-ext.c:94): Can't dump file 3 of that type [600] (anon anon_inode:[landlock-ruleset])",
    /the kind landlock-ruleset open/,
  ],
  ["Error (criu/files-ext.c:94): Can't dump file 3 of that type [600] (anon anon_inode:bpf-map)", /the kind bpf-map /],
  ["Error (criu/sk-inet.c:137): inet: Unsupported proto 262 for socket dce78", /multipath TCP/],
  ["Error (criu/sockets.c:767): sockets: BUG! Unknown socket collected (family 40)", /address family 40/],
  ["Error (criu/vdso.c:674): vdso: Unexpected rt vDSO area bounds", /vDSO/],
  ["Error (compel/src/lib/infect.c:380): SEIZE 12: Unable to ptrace: Operation not permitted", /traced/],
  ["Error (criu/namespaces.c:960): Can't dump nested uts namespace for 40", /namespaces of its own/],
  ["Error (criu/page-xfer.c:110): Unable to write: No space left on device", /no space left/],
  [
    "8: Error (soccr/soccr.c:819): Can't restore not-sent send queue data (-1), want (2920192-927:877332:927): Resource temporarily unavailable",
    /no room left for what .* have still to send .*tcp_mem/,
  ],
  ["Error (criu/page-pipe.c:88): page-pipe: splice: -1: Bad file descriptor", /8388608/],
])("%s", (line, sentence) => {
  const { sentence: said, details } = explainCriuLog(
    `(00.000100) Running\n(00.012345) ${line}\n(00.020000) Error (criu/cr-dump.c:2128): Dumping FAILED.\n`,
  );
  expect(said).toMatch(sentence);
  expect(said).toMatch(/^[a-z].*\.$/);
  expect(details).toEqual([line.trim()]);
});

test("the cause comes last in the details, after its consequences", () => {
  const log = [
    "(00.1) Error (criu/a.c:1): Can't do the thing",
    "(00.2) Error (criu/files-reg.c:2206): File x has bad size 2 (expect 1)",
    "(00.3) Error (criu/b.c:2): Giving up",
    "(00.4) Error (criu/cr-restore.c:2447): Restoring FAILED.",
  ].join("\n");
  expect(explainCriuLog(log).details.at(-1)).toBe("Error (criu/files-reg.c:2206): File x has bad size 2 (expect 1)");
});

test("an unknown cause is quoted by its first error line", () => {
  const log =
    "(00.1) Warn  (criu/x.c:1): hm\n(00.2) Error (criu/y.c:9): Brand new trouble.\n(00.3) Error (criu/z.c:1): More";
  expect(explainCriuLog(log)).toEqual({
    sentence: "CRIU says 'Brand new trouble'.",
    details: ["Error (criu/z.c:1): More", "Error (criu/y.c:9): Brand new trouble."],
  });
});

test("runc's own message is used where CRIU has no log", () => {
  const { sentence } = explainCriuLog('time="2026-11-22T10:00:00Z" level=error msg="container is not running"\n');
  expect(sentence).toBe("CRIU says 'container is not running'.");
});

test("an empty log is no reason", () => {
  expect(explainCriuLog("")).toEqual({ sentence: "it gave no reason.", details: [] });
});
