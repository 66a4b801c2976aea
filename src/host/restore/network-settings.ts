/**
 * The `--sysctl` of a container that belong to its network namespace, Docker's own among them, by their paths below /proc/sys.
 * A restored container gets a new namespace, in which neither runc nor CRIU sets any; those of other namespaces CRIU brings.
 */
export function networkSettings(sysctl: Record<string, string> | null | undefined): [path: string, value: string][] {
  return Object.entries(sysctl ?? {})
    .map(([name, value]): [string, string] => [sysctlPath(name), value])
    .filter(([path]) => path.startsWith("net/"));
}

/** Below /proc/sys, as sysctl(8) reads a name: what comes first of `.` and `/` separates, the other one is a dot in the name of an interface. */
export function sysctlPath(name: string): string {
  if (/^[^./]*\//.test(name)) return name;
  return name.replace(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}
