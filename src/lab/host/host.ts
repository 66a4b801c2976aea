import { errorReport, GodwitError } from "../../contract/errors.ts";
import type { Authority } from "../../transport/certificates.ts";
import { reachOf } from "../find-host.ts";
import type { Reach } from "../reach.ts";
import type { OnProgress } from "../roots/roots.ts";
import { hostCgroup, type LabState, livingHost } from "../state.ts";
import { joinMachine, startMachine } from "../vm/host.ts";
import { makeCgroups, removeCgroup } from "./cgroup.ts";
import { until } from "./daemon.ts";
import { labRun } from "./exec.ts";
import { linkNamespaces, startNamespaces } from "./namespace-host.ts";
import type { ProcessId } from "./pid.ts";
import { agentAnswers, dockerVersion } from "./probe.ts";

type Host = LabState["hosts"][number];

const setupMark = "/run/lab/setup.done";
/** Software emulation is about ten times slower. */
const patienceMs = { namespace: { docker: 60_000, agent: 30_000 }, vm: { docker: 600_000, agent: 300_000 } };

/**
 * Starts a host, or its missing parts, and waits until Docker and the agent answer. What runs is not restarted. A host that
 * has ended comes back with its disk. @throws GodwitError `lab-failed`
 */
export async function ensureHost(
  state: LabState,
  host: Host,
  lan: ProcessId,
  authority: Authority,
  onProgress: OnProgress,
): Promise<void> {
  if (!livingHost(state.name, host.name)) {
    // Processes of a host whose init has ended may still be in its cgroup.
    await removeCgroup(hostCgroup(state.name, host.name));
    makeCgroups(
      state.name,
      state.hosts.map(({ name }) => name),
    );
    await (state.kind === "vm"
      ? startMachine(state, host, lan, authority, onProgress)
      : startNamespaces(state, host, authority));
  }
  await (state.kind === "vm" ? joinMachine(state, host, lan, onProgress) : linkNamespaces(state, host, lan));
  const patience = patienceMs[state.kind];
  const answer = <T>(probe: (reach: Reach) => Promise<T | undefined>, timeout: number) =>
    until(
      async () => {
        const reach = reachOf(state, host.name);
        return reach && probe(reach);
      },
      timeout,
      20,
    );
  const version = await answer(dockerVersion, patience.docker);
  if (version === undefined) throw await failed(state, host, "Docker does not answer", "/var/log/dockerd.log");
  const isNew = (await labRun(state.name, host.name, ["test", "-e", setupMark])).status !== 0;
  // The checkout may have been built again since the last set-up.
  await setUp(state, host);
  if (isNew) onProgress(`${host.name}: up, ${host.address}, Docker ${version}`);
  if (!(await answer(async (reach) => (await agentAnswers(reach)) || undefined, patience.agent))) {
    throw await failed(state, host, "the agent does not answer", "/var/log/godwit-agent.log");
  }
}

async function setUp(state: LabState, host: Host): Promise<void> {
  const result = await labRun(state.name, host.name, `godwit setup && touch ${setupMark}`);
  if (result.status === 0) return;
  throw new GodwitError("lab-failed", `'godwit setup' failed in the host ${host.name}.`, {
    hint: `Run it again: godwit lab exec --name ${state.name} ${host.name} -- godwit setup`,
    details: `${result.stdout}${result.stderr}`.trim().split("\n").slice(-12),
  });
}

async function failed(state: LabState, host: Host, what: string, log: string): Promise<GodwitError> {
  const tail = await labRun(state.name, host.name, ["tail", "-n", "12", log]).then(
    ({ stdout }) => stdout.trim(),
    (error) => `its log cannot be read: ${errorReport(error).message}`,
  );
  return new GodwitError("lab-failed", `The host ${host.name} is up, but ${what}.`, {
    hint: `Its log: godwit lab exec --name ${state.name} ${host.name} -- cat ${log}`,
    details: tail.split("\n"),
  });
}
