import { thisEngine } from "../../../src/host/host.ts";
import { engineConforms } from "../../../testing/engine-conformance.ts";
import { dockerSocket } from "../support/inside-lab.ts";
import { useSharedLab } from "../support/shared-lab.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);
engineConforms("Docker", () => thisEngine("h1", dockerSocket(lab.name, "h1")));
