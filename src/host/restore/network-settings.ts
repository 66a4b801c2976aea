/**
 * The sysctl settings of a container that belong to its network namespace (`--sysctl`, and Docker's own), by their paths below
 * /proc/sys. A restored container gets a new network namespace, in which neither runc nor CRIU makes these settings. CRIU restores the
 * settings of other namespaces.
 */
export function networkSettings(sysctl: Record<string, string> | null | undefined): [path: string, value: string][] {
  return Object.entries(sysctl ?? {})
    .map(([name, value]): [string, string] => [sysctlPath(name), value])
    .filter(([path]) => path.startsWith("net/"));
}

/**
 * The path below /proc/sys of a sysctl name, by the rule of sysctl(8): the first `.` or `/` of the name is its separator; the other
 * sign then stands for a dot in the name of an interface.
 */
export function sysctlPath(name: string): string {
  if (/^[^./]*\//.test(name)) return name;
  return name.replace(/[./]/g, (sign) => (sign === "." ? "/" : "."));
}
