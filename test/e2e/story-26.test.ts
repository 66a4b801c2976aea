import { describe } from "vitest";
import { useLab } from "./support/lab.ts";
import { storyAcross } from "./support/story-across.ts";
import { storyOnHost } from "./support/story-on-host.ts";

describe("on Docker 26", () => {
  const lab = useLab("26", ["trixie", "trixie"]);
  storyOnHost(lab, "h1");
  storyAcross(lab);
});
