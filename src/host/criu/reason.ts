/** Why CRIU or runc failed. */
export interface CriuReason {
  /** Fits after a colon: it begins with a small letter, unless it quotes CRIU, and ends with a full stop. */
  sentence: string;
  /** Error lines of the log, without time stamps. The last one says why. */
  details: string[];
}

/**
 * Finds the reason of a failure in a log of CRIU (`dump.log`, `restore.log`) or in runc's standard error. The first error is the
 * cause, and the errors after it are its consequences. So the first error with a known explanation gives the sentence. If none has
 * one, the sentence quotes the first error.
 */
export function explainCriuLog(log: string): CriuReason {
  const lines = log.split("\n").map(plain).filter(Boolean);
  const errors = lines.filter((line) => errorLine.test(line) && !aftermath.test(line));
  if (errors.length === 0) return withoutErrors(lines);
  for (const line of errors) {
    const sentence = explain(line);
    if (sentence) return { sentence, details: [...errors.filter((other) => other !== line).slice(0, most), line] };
  }
  const first = errors[0] ?? "";
  return { sentence: quote(first), details: [...errors.slice(1, most + 1), first] };
}

/** How many error lines are kept beside the one that says why. */
const most = 7;
const errorLine = /\bError \(|level=(error|fatal)|^error:|"level":"(error|fatal)"/i;
/** Lines that CRIU writes after any failure, or without one. They do not say why. */
const aftermath =
  /rlimit: |(Dumping|Pre-dumping|Restoring) FAILED|failed with -?\d+\)?\.?$|killed by signal|exited, status=|criu failed: type|^runc: criu|Unable to wait|Can't (wait|collect) |has not been restored/i;

function plain(line: string): string {
  return line.replace(/^(\(\d+\.\d+\)|pie: \d+:|\s)+/, "").trimEnd();
}

function withoutErrors(lines: string[]): CriuReason {
  const last = lines.slice(-most);
  for (const line of last.toReversed()) {
    const sentence = explain(line);
    if (sentence) return { sentence, details: [...last.filter((other) => other !== line), line] };
  }
  const telling = last.findLast((line) => !aftermath.test(line)) ?? last.at(-1);
  return { sentence: telling ? quote(telling) : "it gave no reason.", details: last };
}

function quote(line: string): string {
  const words = line
    .replace(/^.*?\bError \([^)]*\):\s*/, "")
    .replace(/^time="[^"]*" level=\w+ msg="(.*)"$/, "$1")
    .replace(/^\s*(\d+:\s+)?/, "")
    .replaceAll("\\n", " ")
    .trim();
  return `CRIU says '${words.replace(/\.$/, "")}'.`;
}

function explain(line: string): string | undefined {
  for (const [pattern, say] of causes) {
    const match = pattern.exec(line);
    if (match) return say(match);
  }
  return undefined;
}

const causes: [RegExp, (match: RegExpExecArray) => string][] = [
  [/io_uring/, () => "a process uses io_uring, which CRIU cannot save."],
  [/Can't lookup mount=\S+ .*secretmem/, () => "a process has secret memory (memfd_secret), which CRIU cannot save."],
  [
    /File (\S+) has bad (?:size|mode|build-ID)(?: (\d+) \(expect (\d+)\))?/,
    ([, file, is, was]) =>
      `the file ${file} is not as it was at the checkpoint${is ? ` (${is} bytes now, ${was} then)` : ""}; memory and files must be of the same instant.`,
  ],
  [
    /Can't lookup mount=\S+ for fd=\S+ path=(\S+)/,
    ([, path]) => `the file ${path} is open on a mount that the container does not see.`,
  ],
  [
    /netlink: The socket has data to read/,
    () => "a program has not read all messages of a netlink socket; try again when it has.",
  ],
  [
    /in-flight (?:socket|connection on)/i,
    () =>
      "a client of a unix socket has sent something or has closed already, and the program has not accepted that connection yet; try again when it has.",
  ],
  [/fsnotify|inotify/i, () => "an inotify watch looks at a file that CRIU cannot find by its handle."],
  [/Can't get 1:16 opt/, () => "this CRIU is too old for the kernel: it cannot read TCP sockets (4.2 can)."],
  [
    /Connected TCP socket|tcp-established/,
    () => "the container has an established TCP connection, and CRIU ran without the option to save connections.",
  ],
  [
    /External socket is used|ext-unix-sk|half of stream unix/,
    () => "a unix socket is connected to a process outside the container, or of 'docker exec'.",
  ],
  [
    /file locks are hold|--file-locks/,
    () => "a process holds a file lock, and CRIU ran without the option to save locks.",
  ],
  [
    /Can't dump ghost file (\S+) of (\d+) size/,
    ([, file, size]) => `the deleted file ${file} is still open and larger (${size} bytes) than CRIU's ghost limit.`,
  ],
  [
    /(\/dev\/(?:nvidia|kvm|dri|kfd|fuse|net\/tun)[^\s)]*)/,
    ([, device]) => `a process uses the device ${device}, which CRIU cannot save.`,
  ],
  [
    /of that type.*\bchr (\d+:\d+)/,
    ([, id]) => `a process has the character device ${id} open, which CRIU cannot save.`,
  ],
  [
    /of that type \S+ \(unknown ([^)]+)\)/,
    ([, what]) => `a process has ${what} open, a kind of file that CRIU cannot save.`,
  ],
  [
    /of that type \S+ \(anon (?:anon_inode:)?\[?([^\])]+)/,
    ([, what]) => `a process has a file of the kind ${what} open, which CRIU cannot save.`,
  ],
  [
    /Unsupported proto 262/,
    () => "a process has a socket of multipath TCP, which CRIU cannot save (in Go, GODEBUG=multipathtcp=0 avoids it).",
  ],
  [
    /Unknown socket collected \(family (\d+)\)/,
    ([, family]) => `a process has a socket of the address family ${family}, which CRIU cannot save.`,
  ],
  [
    /page-pipe.*splice|splice.*Bad file descriptor/,
    () => "the pipe for pages is too small; fs.pipe-max-size must be 8388608.",
  ],
  [/vdso|vDSO|ELF magic/, () => "this CRIU does not know the vDSO of this kernel; a newer CRIU is needed."],
  [/tty to inherit/, () => "the checkpoint has a terminal, and this container was created without one."],
  [
    /nested/i,
    () => "the container made namespaces of its own (a container within the container), which CRIU cannot save.",
  ],
  [
    /ptrace|traced by|Can't seize|Can't attach/i,
    () => "a process cannot be traced; a debugger such as strace or gdb may hold it already.",
  ],
  [
    /can't write lsm profile/,
    () => "this host does not have the security profile (AppArmor or SELinux) that a process runs under.",
  ],
  [/seccomp/i, () => "a process has a seccomp filter that CRIU could not save or restore."],
  [
    /Can't get rlimit \d+: Operation not permitted/,
    () => "a process runs as another user than root, and without CAP_SYS_RESOURCE CRIU cannot read its limits.",
  ],
  [
    /Can't restore (?:not-sent )?send queue data/,
    () =>
      "the kernel has no room left for what the container's connections have still to send (sysctl net.ipv4.tcp_mem).",
  ],
  [/No space left on device|ENOSPC/, () => "there is no space left where the images or the files are."],
  [/Cannot allocate memory|ENOMEM/, () => "there is not enough memory."],
  [
    /Can't open file (\S+) on restore|Can't open (\S+): No such file/,
    ([, a, b]) => `the file ${a ?? b} that a process had open is missing.`,
  ],
  [
    /Pid \d+ do not match expected|Can't fork for \d+: File exists/,
    () => "a process id that the container needs is in use.",
  ],
  [
    /CPU instruction capabilities|cpu: .*(not (present|supported)|mismatch)/i,
    () => "this processor lacks a feature that the processes used on the other processor.",
  ],
  [/Timeout reached/, () => "the processes could not be stopped in time; one of them may hang in the kernel."],
];
