import { readFile } from "node:fs/promises";
import * as z from "zod";

const profilesFile = "/sys/kernel/security/apparmor/profiles";
const enabledFile = "/sys/module/apparmor/parameters/enabled";
const withProfile = z.object({ AppArmorProfile: z.string() });

/**
 * The AppArmor profile that a container's processes run under, by its `docker inspect`, if this host does not have it: null where
 * it has, or where they run under none.
 */
export async function missingProfile(inspect: unknown): Promise<string | null> {
  const profile = withProfile.safeParse(inspect).data?.AppArmorProfile ?? "";
  if (profile === "" || profile === "unconfined") return null;
  const loaded = await readFile(profilesFile, "utf8").catch(() => undefined);
  if (loaded === undefined) {
    const enabled = await readFile(enabledFile, "utf8").catch(() => "N");
    // Where the list is not mounted, but there may be one, the restore will tell.
    return enabled.startsWith("Y") ? null : profile;
  }
  // A line is `name (mode)`.
  return loaded.split("\n").some((line) => line.replace(/ \(\w+\)$/, "") === profile) ? null : profile;
}
