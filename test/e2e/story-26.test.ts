import { describe } from "vitest";
import { isFullRun } from "./support/extent.ts";
import { useLab } from "./support/lab.ts";
import { storyAcross } from "./support/story-across.ts";
import { storyOnHost } from "./support/story-on-host.ts";

describe("on Docker 26", () => {
  const lab = useLab("26", ["trixie", "trixie"]);
  // The tree is rolled back and cloned on Docker 28 in every run (story-28.test.ts), and files on Docker 26 (files.test.ts).
  storyOnHost(lab, "h1", isFullRun);
  // Between hosts of different Docker versions, story-26-28.test.ts has all of it in every run.
  storyAcross(lab, isFullRun);
});
