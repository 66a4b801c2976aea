import { versionAtLeast, versionOf } from "../../contract/units.ts";

/** Bytes of a page of memory, as CRIU counts it on the architectures that godwit runs on. */
export const pageBytes = 4096;

/** Bytes of a word between CRIU and a page server; it changed with CRIU 4.2. `version` such as `4.2.1`. */
export function pageWordBytes(version: string): 24 | 32 {
  return versionAtLeast(versionOf(version), [4, 2]) ? 32 : 24;
}
