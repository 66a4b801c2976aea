import { type Version, versionAtLeast, versionOf } from "../../contract/units.ts";
import type { Check, OneHost } from "../check.ts";
import { fail, ok, warn } from "../finding.ts";

const oldestTried: Version = [26, 0];
/** From this version on, Docker's own restore is broken. */
const brokenRestore: Version = [28, 0];

export const docker: Check<OneHost> = {
  key: "docker",
  audiences: ["doctor", "either-side"],
  run: ({ host: { docker, dockerProblem } }) => {
    if (!docker) {
      const why = dockerProblem ? `: ${dockerProblem.replace(/\.$/, "")}` : "";
      return [fail("docker-unreachable", `Docker does not answer${why}`, "systemctl start docker")];
    }
    const version = versionOf(docker.version);
    if (!versionAtLeast(version, oldestTried)) {
      const what = `Docker ${docker.version} is older than every version that godwit was tested with (26 and 28)`;
      return [warn(what, "install Docker 26 or newer")];
    }
    const fault = versionAtLeast(version, brokenRestore)
      ? "; its own 'docker start --checkpoint' fails for every container on a bridge, godwit restores those as well"
      : "";
    return [ok(`Docker ${docker.version}${fault}`)];
  },
};
