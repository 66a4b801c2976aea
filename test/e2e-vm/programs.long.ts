import { afterAll, beforeAll } from "vitest";
import { mixedPrograms } from "../e2e/programs/mixes.ts";
import { sqlite } from "../e2e/programs/sqlite.ts";
import { makeServers } from "../e2e/programs/support/image.ts";
import { writeResults } from "../e2e/programs/support/results.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab(["apps", "gcc"]);
beforeAll(() => makeServers(lab, "h1", 1));
afterAll(writeResults);

mixedPrograms(lab, ["precopy"]);
sqlite(lab, ["precopy"]);
