import type { Program } from "../program.ts";

const counts = (objects: string) =>
  `four clients count over connections of their own: each number is the one before and one more; ${objects}; a timer goes on at its pace`;

/** A server of inside/ that answers clients/counts.py at port 8080. */
const server = (
  id: string,
  what: string,
  command: string,
  way: "http" | "lines",
  more: Partial<Program> = {},
): Program => ({
  id,
  what,
  how: counts("its objects, which it replaces all the time, are right"),
  image: "languages",
  options: "--user www-data",
  command,
  ready: "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 8080))'",
  client: ["counts.py", "8080", way],
  ...more,
});

export const languages: Program[] = [
  server(
    "java-g1",
    "Java 21 with the G1 collector: an HTTP server of the JDK, platform and virtual threads",
    "sh /opt/java.sh Things -XX:+UseG1GC",
    "http",
  ),
  server("java-zgc", "The same with ZGC", "sh /opt/java.sh Things -XX:+UseZGC", "http"),
  server(
    "java-zgc-generational",
    "The same with generational ZGC",
    "sh /opt/java.sh Things -XX:+UseZGC -XX:+ZGenerational",
    "http",
  ),
  server("java-lucene", "Java 21 with an index of Lucene in mapped files", "sh /opt/java.sh Search", "http", {
    how: counts("each number is how many documents a search finds, and the documents of the beginning are right"),
  }),
  server("go", "Go with five thousand goroutines and timers, `GODEBUG=multipathtcp=0`", "sh /opt/go.sh", "lines", {
    options: "--user www-data -e GODEBUG=multipathtcp=0",
  }),
  server(
    "nodejs",
    "Node.js: an HTTP server, worker threads, a thousand timers, shared memory",
    "node /opt/things.mjs",
    "http",
  ),
  server(
    "python-multiprocessing",
    "Python: asyncio, a pool of processes of `multiprocessing`, shared memory",
    "python3 -P /opt/shared.py",
    "lines",
    { how: counts("the records in shared memory, which two processes change all the time, are right") },
  ),
  server("pypy", "PyPy with its compiler, a thread for each connection", "pypy3 -P /opt/things.py", "lines"),
  server(
    "perl-starman",
    "Perl: Starman, a preforking HTTP server; the processes share files under `flock`",
    "starman --preload-app --workers 8 --keepalive-timeout 60 --listen :8080 /opt/things.psgi",
    "http",
  ),
  server(
    "ruby-puma",
    "Ruby: Puma with two processes of eight threads, which share files of PStore",
    "puma --bind tcp://0.0.0.0:8080 --workers 2 --threads 8:8 /opt/things.ru",
    "http",
  ),
  server(
    "php",
    "PHP: preforked processes with shared memory and a semaphore of System V",
    "php /opt/things.php",
    "lines",
  ),
  server("erlang", "Erlang with epmd: two thousand processes and timers, tables of ETS", "sh /opt/erlang.sh", "lines"),
  server("sbcl", "Lisp (SBCL) with threads", "sbcl --script /opt/things.lisp", "lines"),
  server("lua", "Lua with coroutines", "lua5.4 /opt/things.lua", "lines"),
  server("r", "R", "Rscript /opt/things.R", "lines"),
];
