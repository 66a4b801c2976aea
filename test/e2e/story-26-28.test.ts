import { describe } from "vitest";
import { useLab } from "./support/lab.ts";
import { storyAcross } from "./support/story-across.ts";

describe("from Docker 26 to Docker 28 and back", () => {
  storyAcross(useLab("mixed", ["trixie", "forky"]));
});
