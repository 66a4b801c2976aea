import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { workFolderOf } from "../../../host/restore/image-space.ts";
import type { IncomingMigration } from "../incoming.ts";
import { releaseAndEnd } from "./release-and-end.ts";

test("a copy whose restore an earlier agent began is ended before Docker is asked: Docker waits for that restore", async () => {
  const migration = randomUUID();
  const program = spawn("perl", ["-e", '$| = 1; print "on\\n"; sleep 100', workFolderOf(migration)], {
    argv0: "/usr/local/lib/godwit/godwit-lazy-pages",
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(program.stdout, "data");
  const ended = once(program, "exit");
  /** As Docker does: it answers once the restore has ended. */
  const killAndWait = () => ended;
  const copy = {
    ...{ migration, hasArmed: false, record: { created: "copy" } },
    ...{ deps: { host: { engine: { killAndWait } } }, memory: { discard: async () => {} } },
  } as unknown as IncomingMigration;
  await releaseAndEnd(copy).kill("the container stays on its source");
  expect((await ended)[1]).toBe("SIGKILL");
});
