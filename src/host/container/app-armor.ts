import { readFile } from "node:fs/promises";
import * as z from "zod";

const profilesFile = "/sys/kernel/security/apparmor/profiles";
const enabledFile = "/sys/module/apparmor/parameters/enabled";
const withProfile = z.object({ AppArmorProfile: z.string() });

/**
 * The name of a container's AppArmor profile, if this host lacks that profile. Null where the host has it, and where the container
 * runs under none.
 * @param inspect what `docker inspect` says of the container
 */
export async function missingProfile(inspect: unknown): Promise<string | null> {
  const profile = withProfile.safeParse(inspect).data?.AppArmorProfile ?? "";
  if (profile === "" || profile === "unconfined") return null;
  const loaded = await readFile(profilesFile, "utf8").catch(() => undefined);
  if (loaded === undefined) {
    const enabled = await readFile(enabledFile, "utf8").catch(() => "N");
    // The list cannot be read where securityfs is not mounted. The restore then finds out whether the profile is there.
    return enabled.startsWith("Y") ? null : profile;
  }
  // A line is `name (mode)`.
  return loaded.split("\n").some((line) => line.replace(/ \(\w+\)$/, "") === profile) ? null : profile;
}
