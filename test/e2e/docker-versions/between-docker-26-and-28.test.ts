import { describe } from "vitest";
import { useSharedLab } from "../support/shared-lab.ts";
import { testBetweenTwoHosts } from "./between-two-hosts.ts";

describe("from Docker 26 to Docker 28 and back", () => {
  testBetweenTwoHosts(useSharedLab(["trixie", "forky"]));
});
