/** What Docker's `/info` says, as far as godwit reads it. */
export interface DockerInfo {
  ServerVersion: string;
  Driver: string;
  DriverStatus: [string, string][] | null;
  DockerRootDir: string;
  CgroupVersion: string;
  CgroupDriver: string;
  Runtimes: Record<string, unknown> | null;
}
