import { beforeAll, describe, expect, test } from "vitest";
import { useLab } from "../e2e/support/lab.ts";
import { databases } from "./families/databases.ts";
import { languages } from "./families/languages.ts";
import { media } from "./families/media.ts";
import { queues } from "./families/queues.ts";
import { systems } from "./families/systems.ts";
import { web } from "./families/web.ts";
import type { Program } from "./program.ts";
import { recordTour } from "./record.ts";
import { makeImages, makeNetwork, tour } from "./zoo.ts";

/** All of them take an hour. GODWIT_PROGRAMS=redis,nginx takes only these. */
const only = process.env.GODWIT_PROGRAMS?.split(",");
const all: Program[] = [...databases, ...queues, ...web, ...languages, ...systems, ...media];
const programs = all.filter(({ id }) => !only || only.includes(id));

describe("real programs, moved there and back in every mode between Docker 28 and Docker 26", () => {
  const lab = useLab("zoo", ["forky", "trixie"], []);
  beforeAll(async () => {
    await makeNetwork(lab);
    await makeImages(lab, new Set(programs.map(({ image }) => image)));
  }, 3_600_000);

  test.each(programs)("$id", async (program) => {
    const outcome = await tour(lab, program);
    expect(outcome.errors, outcome.last ?? "").toBe(0);
    expect(outcome.moves.filter((moved) => "downtimeMs" in moved)).not.toEqual([]);
    recordTour(program, outcome);
  });
});
