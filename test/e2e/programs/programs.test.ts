import { afterAll, beforeAll } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { mixedPrograms } from "./mixes.ts";
import { nginx } from "./nginx.ts";
import { postgres } from "./postgres.ts";
import { redis } from "./redis.ts";
import { unsupported } from "./refused.ts";
import { sqlite, sqliteStays } from "./sqlite.ts";
import { makeServers } from "./support/image.ts";
import { makeLanNetwork } from "./support/moves.ts";
import { writeResults } from "./support/results.ts";
import { webSockets } from "./web-sockets.ts";

const lab = useLab("programs", ["forky", "trixie"], ["apps"]);
/** Slow readers take two minutes for the smaller file, which is longer than two moves. */
const megabytes = isFullRun ? 200 : 60;
let largeSum = "";
beforeAll(async () => {
  largeSum = await makeServers(lab, "h1", megabytes);
  await makeLanNetwork(lab);
});
afterAll(writeResults);

mixedPrograms(lab);
sqlite(lab);
sqliteStays(lab);
webSockets(lab);
nginx(lab, { megabytes, restMs: isFullRun ? 250 : 500 }, () => largeSum);
redis(lab, isFullRun ? 300 : 50);
postgres(lab);
unsupported(lab);
