/** Bytes of a page of memory, as CRIU counts it on the architectures that godwit runs on. */
export const pageBytes = 4096;

/** Bytes of a word between CRIU and a page server; it changed with CRIU 4.2. `version` such as `4.2.1`. */
export function pageWordBytes(version: string): 24 | 32 {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 4 || (major === 4 && minor >= 2) ? 32 : 24;
}
