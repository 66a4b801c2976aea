import { describe } from "vitest";
import { useLab } from "./support/lab.ts";
import { storyAcross } from "./support/story-across.ts";
import { storyOnHost } from "./support/story-on-host.ts";

describe("on Docker 28", () => {
  const lab = useLab("28", ["forky", "forky"]);
  storyOnHost(lab, "h1");
  storyAcross(lab);
});
