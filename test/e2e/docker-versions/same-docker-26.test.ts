import { describe } from "vitest";
import { isFullRun } from "../support/full-run.ts";
import { useLab } from "../support/lab.ts";
import { testBetweenTwoHosts } from "./between-two-hosts.ts";
import { testOnOneHost } from "./on-one-host.ts";

describe("on Docker 26", () => {
  const lab = useLab("26", ["trixie", "trixie"]);
  // In every run, same-docker-28.test.ts rolls back and clones the tree on Docker 28, and files.test.ts does files on Docker 26.
  testOnOneHost(lab, "h1", isFullRun);
  // In every run, between-docker-26-and-28.test.ts has everything between hosts of different versions.
  testBetweenTwoHosts(lab, isFullRun);
});
