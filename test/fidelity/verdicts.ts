/** Why a property of the census may differ after a move. What no row names must be the same. */
export interface Expected {
  /** Names of properties: the whole name, or with `*` at the end a beginning. */
  names: string[];
  /** `told`: a warning of the move names it. `documented`: only docs/fidelity.md does, because it cannot be seen from outside, or not be put back. */
  how: "told" | "documented";
  why: string;
  /** What the warning says, where it is told. */
  warning?: RegExp;
}

const bySelf = "only the process itself could set it again";
const kernel = "the kernel has no way to set it";

export const expected: Expected[] = [
  {
    names: ["clock.*"],
    how: "documented",
    why: "processes begin anew for the kernel: start times and used CPU time; `RLIMIT_CPU` counts from 0",
  },
  {
    names: ["inotify-queued.*", "poll.inotify-queued"],
    how: "told",
    why: "events that the program has not read (--in-flight)",
    warning: /has not read \d+ bytes of events from its inotify descriptor/,
  },
  { names: ["dnotify.*", "inotify.oneshot", "flags.dnotify.*"], how: "documented", why: "CRIU does not save it" },
  {
    names: ["epoll.oneshot", "poll.epoll"],
    how: "documented",
    why: `a used-up EPOLLONESHOT fires once more: ${kernel}`,
  },
  {
    names: ["flags.*"],
    how: "documented",
    why: "O_LARGEFILE, O_DIRECTORY and O_TMPFILE in the flags of an open file; they mean nothing later",
  },
  { names: ["keyring.*"], how: "documented", why: `session keyrings: ${bySelf}` },
  { names: ["landlock.*"], how: "documented", why: `restrictions of Landlock are lost: ${bySelf}` },
  {
    names: ["mdwe.*", "mseal.*"],
    how: "documented",
    why: `protection of memory that a process gives itself: ${bySelf}`,
  },
  { names: ["mempolicy.*"], how: "documented", why: `NUMA policies: ${bySelf}` },
  {
    names: ["mlock.MLOCK_ONFAULT", "mlockall.*"],
    how: "documented",
    why: `locks of memory that is not there yet: ${bySelf}`,
  },
  {
    names: ["mmap.shared", "mmap.shared_read"],
    how: "documented",
    why: "shared anonymous memory has another name in /proc/PID/maps",
  },
  {
    names: ["personality.*", "prctl.PR_MCE_KILL", "prctl.PR_SET_MEMORY_MERGE", "tsc.*"],
    how: "documented",
    why: bySelf,
  },
  { names: ["peercred.*"], how: "documented", why: `SO_PEERCRED of a connection is root's: ${kernel}` },
  {
    names: ["poll.netlink.socket"],
    how: "documented",
    why: "a netlink socket gets news of the network in which it arrives",
  },
  { names: ["ping.*"], how: "documented", why: "the number of an ICMP echo socket: CRIU does not save it" },
  {
    names: ["tcp-urgent.*", "unix-urgent.*", "poll.tcp-urgent.*", "poll.unix-urgent.*"],
    how: "documented",
    why: "urgent (out-of-band) bytes that were not read",
  },
  { names: ["poll.udp.error"], how: "documented", why: "an error of a socket that was not read" },
  {
    names: ["reuseport.SO_ATTACH_REUSEPORT_CBPF"],
    how: "documented",
    why: "the program that spreads connections over sockets cannot be read from the kernel",
  },
  { names: ["socket.SO_INCOMING_CPU"], how: "documented", why: "the CPU of the last packet" },
  { names: ["tcp-md5.*"], how: "documented", why: "keys of TCP MD5 signatures cannot be read from the kernel" },
  {
    names: ["tcp.TCP_WINDOW_CLAMP"],
    how: "documented",
    why: "of a connection it cannot be told from what the kernel has chosen",
  },
  {
    names: ["tcp.*.negotiated"],
    how: "documented",
    why: "a connection sends smaller segments until it has sent a few",
  },
  {
    names: ["terminal-suspended.*", "poll.terminal-suspended.*", "terminal.TIOCEXCL"],
    how: "documented",
    why: "CRIU does not save it",
  },
  { names: ["unix.client"], how: "documented", why: "the name of the other end of a connection to a unix socket" },
  { names: ["write-hint.*"], how: "documented", why: "a hint for disks" },
];

/** @param pattern a name, or with `*` the beginning and the end of one */
export const matches = (pattern: string, name: string) => {
  const [begin = "", end] = pattern.split("*");
  return end === undefined ? name === pattern : name.startsWith(begin) && name.endsWith(end);
};

/** The row for a property; undefined where it must be the same. */
export const expectedOf = (name: string): Expected | undefined =>
  expected.find(({ names }) => names.some((pattern) => matches(pattern, name)));
