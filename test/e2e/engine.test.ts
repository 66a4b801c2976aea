import { thisEngine } from "../../src/host/host.ts";
import { mustReach } from "../../src/lab/find-host.ts";
import { engineConforms } from "../../testing/engine-conformance.ts";
import { useSharedLab } from "./support/shared-lab.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);
engineConforms("Docker", () => thisEngine("h1", mustReach(lab.name, "h1").socket("docker")));
