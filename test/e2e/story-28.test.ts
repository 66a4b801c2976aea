import { describe } from "vitest";
import { useSharedLab } from "./support/shared-lab.ts";
import { storyAcross } from "./support/story-across.ts";
import { storyOnHost } from "./support/story-on-host.ts";

describe("on Docker 28", () => {
  const lab = useSharedLab(["forky", "forky"]);
  storyOnHost(lab, "h1");
  storyAcross(lab);
});
