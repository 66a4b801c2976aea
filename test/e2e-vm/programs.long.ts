import { afterAll, afterEach, beforeAll } from "vitest";
import { mixedPrograms } from "../e2e/programs/mixes.ts";
import { nginx } from "../e2e/programs/nginx.ts";
import { redis } from "../e2e/programs/redis.ts";
import { sqlite } from "../e2e/programs/sqlite.ts";
import { makeServers } from "../e2e/programs/support/image.ts";
import { journeyIn, makeLanNetwork } from "../e2e/programs/support/moves.ts";
import { writeResults } from "../e2e/programs/support/results.ts";
import { webSockets } from "../e2e/programs/web-sockets.ts";
import { mustGodwit } from "../e2e/support/lab.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab(["apps"]);
const journeys = [journeyIn("precopy")];
/** What is sent from one emulated machine to the other takes its time. */
const megabytes = 20;
let largeSum = "";
beforeAll(async () => {
  // Only what is above it has to be sent from one emulated machine to the other.
  await mustGodwit(lab, "lab", "image", "h2", "apps");
  largeSum = await makeServers(lab, "h1", megabytes);
  await makeLanNetwork(lab);
});
// It takes hours: what has been found is kept.
afterEach(writeResults);
afterAll(async () => {
  for (const host of ["h1", "h2"]) await lab.on(host, "docker network rm lan");
});

mixedPrograms(lab, journeys);
// Its volume is sent anew in each move: it must not grow to what takes many minutes here.
sqlite(lab, 5, journeys);
webSockets(lab, journeys);
nginx(lab, { megabytes, restMs: 8000, journeys }, () => largeSum);
redis(lab, 30, journeys);
