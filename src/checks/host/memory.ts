import { bytes } from "../../contract/units.ts";
import type { Check, OneHost } from "../check.ts";
import { ok, warn } from "../finding.ts";

const littleBytes = 256 * 1024 ** 2;

export const memory: Check<OneHost> = {
  key: "memory",
  audiences: ["doctor"],
  run: ({ host: { memory } }) => {
    const message = `${bytes(memory.availableBytes)} of ${bytes(memory.totalBytes)} of memory is free`;
    if (memory.availableBytes >= littleBytes) return [ok(message)];
    return [warn(message, "stop what is not needed: a container that arrives needs twice its memory")];
  },
};
