import { describe } from "vitest";
import { isFullRun } from "./support/extent.ts";
import { useSharedLab } from "./support/shared-lab.ts";
import { storyAcross } from "./support/story-across.ts";
import { storyOnHost } from "./support/story-on-host.ts";

describe("on Docker 28", () => {
  const lab = useSharedLab(["forky", "forky"]);
  storyOnHost(lab, "h1");
  // Between hosts of different Docker versions, story-26-28.test.ts has all of it in every run.
  storyAcross(lab, isFullRun);
});
