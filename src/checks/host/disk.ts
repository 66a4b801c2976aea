import { bytes } from "../../contract/units.ts";
import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";

const littleBytes = 1024 ** 3;

export const disk: Check<OneHost> = {
  key: "disk",
  audiences: ["doctor"],
  run: ({ host: { disk } }) => {
    const message = `the disk has ${bytes(disk.dockerFreeBytes)} free for containers, ${bytes(disk.storeFreeBytes)} for checkpoints`;
    if (Math.min(disk.dockerFreeBytes, disk.storeFreeBytes) >= littleBytes) return [ok(message)];
    return [warn(message, "docker system prune, or remove checkpoints with 'godwit checkpoint rm'")];
  },
};
