import { describe } from "vitest";
import { useSharedLab } from "./support/shared-lab.ts";
import { storyAcross } from "./support/story-across.ts";

describe("from Docker 26 to Docker 28 and back", () => {
  storyAcross(useSharedLab(["trixie", "forky"]));
});
