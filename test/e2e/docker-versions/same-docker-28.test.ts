import { describe } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { testBetweenTwoHosts } from "./between-two-hosts.ts";
import { testClones, testOnOneHost, testTree } from "./on-one-host.ts";

describe("on Docker 28", () => {
  const lab = useSharedLab(["forky", "forky"]);
  testOnOneHost(lab, "h1");
  testClones(lab, "h1");
  testTree(lab, "h1");
  // In every run, between-docker-26-and-28.test.ts has everything between hosts of different versions.
  if (isFullRun) testBetweenTwoHosts(lab);
});
