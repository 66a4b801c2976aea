import { describe } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { testBetweenTwoHosts } from "./between-two-hosts.ts";
import { testClones, testOnOneHost, testTree } from "./on-one-host.ts";

describe("on Docker 26", () => {
  const lab = useLab("26", isFullRun ? ["trixie", "trixie"] : ["trixie"]);
  testOnOneHost(lab, "h1");
  // In every run, same-docker-28.test.ts has these on Docker 28, and between-docker-26-and-28.test.ts between the two.
  if (!isFullRun) return;
  testClones(lab, "h1");
  testTree(lab, "h1");
  testBetweenTwoHosts(lab);
});
