import { expect, test } from "vitest";
import { isFullRun, testInFullRun } from "../e2e/support/full-run.ts";
import { countsOn, expectConsecutive, startLooper } from "../e2e/support/looper.ts";
import { eventually } from "../e2e/support/wait.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();

const profile = `#include <tunables/global>
profile shop flags=(attach_disconnected,mediate_deleted) {
  #include <abstractions/base>
  network,
  capability,
  file,
  signal,
  deny /secret w,
}
`;
const load = (host: string) => lab.on(host, "cat >/run/shop; apparmor_parser -Kr /run/shop", profile);
const unload = (host: string) => lab.on(host, "apparmor_parser -R /run/shop");
/** As the kernel has it, of the container's own process. */
const enforced = (host: string, name: string) => lab.on(host, `docker exec ${name} cat /proc/1/attr/current`);

const lacksProfile = {
  code: "preflight-failed",
  message: expect.stringContaining("AppArmor has no profile 'shop'"),
};

const ofDocker = ["docker-default", "", "docker-default (enforce)", "precopy"] as const;
const ofItsUser = ["a custom profile", "--security-opt apparmor=shop", "shop (enforce)", "postcopy"] as const;

test.each(isFullRun ? [ofDocker, ofItsUser] : [ofItsUser])(
  "an AppArmor profile is asked for before a move, and still applies after it: %s",
  async (_, flags, held, mode) => {
    if (flags) await load("h1");
    await startLooper(lab, "h1", "confined", { flags });
    expect(await enforced("h1", "confined")).toBe(held);
    if (flags) {
      expect(await lab.refusal("migrate", "h1/confined", "h2")).toMatchObject(lacksProfile);
      await load("h2");
    }
    await lab.json("migrate", "h1/confined", "h2", "--mode", mode);
    expect(await enforced("h2", "confined")).toBe(held);
    const secret = await lab.attempt("h2", "docker exec confined sh -c 'echo x >/secret'");
    expect(secret.status).toBe(flags ? 1 : 0);
    expectConsecutive(await countsOn(lab, "h2", "confined"));
  },
);

testInFullRun("a profile that is unloaded on the destination during the move: the original runs on", async () => {
  await Promise.all([load("h1"), load("h2")]);
  await startLooper(lab, "h1", "confined", { flags: "--security-opt apparmor=shop" });
  const unloading = () => unload("h2");
  const failed = await lab.during("sync", unloading, "migrate", "h1/confined", "h2", "--mode", "cold");
  expect(JSON.parse(failed.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
    error: { code: "restore-failed", message: expect.stringContaining("does not have the security profile") },
  });
  expectConsecutive(await countsOn(lab, "h1", "confined"));
  await eventually("nothing is left on h2", async () => {
    const left = await lab.on("h2", "docker ps -aq; ls /var/lib/godwit/pending; pgrep -x criu || :");
    return left === "" || undefined;
  });
});
