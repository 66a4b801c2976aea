import { statfs } from "node:fs/promises";
import { run } from "../process.ts";

/** An instant of this host: of the clock that files are dated by, and of the one that is never set, both in ms. */
export interface Instant {
  dated: number;
  monotonic: number;
}

export function instant(): Instant {
  return { dated: Date.now(), monotonic: performance.now() };
}

/** Files are dated by a clock that ticks in steps of up to 10 ms; more than that costs one copy too many at most. */
const marginMs = 50;
/** File systems whose times are this kernel's, by the magic number of statfs(2): ext4, XFS, Btrfs, tmpfs, F2FS, ZFS. */
const localKinds = new Set([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0xf2f52010, 0x2fc12fc1]);

/**
 * Whether something below a folder may have changed since an instant: contents, names, owners, modes, attributes. It goes by the
 * time of an inode's last change, which no program can set; only what is written through a mapping does not show in it. True
 * where that cannot be told: on a network's file system, and when the clock was set meanwhile.
 */
export async function changedSince(path: string, since: Instant, now = instant()): Promise<boolean> {
  const clockWasSet = Math.abs(now.dated - since.dated - (now.monotonic - since.monotonic)) > marginMs / 2;
  if (clockWasSet || !localKinds.has((await statfs(path)).type)) return true;
  const seconds = ((since.dated - marginMs) / 1000).toFixed(3);
  const found = await run("find", [path, "-xdev", "-newerct", `@${seconds}`, "-print", "-quit"]);
  return found !== "";
}
