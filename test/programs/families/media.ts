import type { Program } from "../program.ts";

/** A script of inside/ that makes the same thing again and again, the first time before any move, and notes a checksum of each. */
const repeated = (id: string, what: string, command: string, progress: string): Program => ({
  id,
  what,
  how: "it makes the same again and again: each result, also those under way in a move, has the checksum of the first one",
  image: "media",
  options: "--user www-data",
  command,
  ready: "test -s /tmp/results",
  progress,
  verify: "sh /opt/same.sh /tmp/results",
});

const packed = "echo $(($(wc -l </tmp/results) * 100000000 + $(stat -c %s /tmp/packed)))";

export const media: Program[] = [
  repeated("ffmpeg", "FFmpeg, which encodes a clip with x264", "sh /opt/encode.sh", "grep -c ^frame= /tmp/progress"),
  repeated("make", "`make -j2` with GCC", "sh /opt/build.sh", "wc -l </tmp/progress"),
  {
    id: "chromium",
    what: "Chromium without a window, without its sandbox",
    how: "four pages count over the debugging port, each over a connection that stays; what they show and keep is right, timers go on",
    image: "media",
    options: "--user www-data --shm-size 512m",
    command: "sh /opt/chromium.sh",
    ready: "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", 9222))'",
    client: ["chromium.py"],
  },
  repeated("xz", "`xz -T2`", "sh /opt/compress.sh xz -T2 -3 --block-size=4MiB", packed),
  repeated("zstd", "`zstd -T2`", "sh /opt/compress.sh zstd -q -T2 -15", packed),
  {
    id: "sqlite",
    what: "The shell of SQLite, which writes a hundred rows a second in WAL mode",
    how: "another process reads what was written; no row is missing, and the integrity check passes",
    image: "media",
    options: "--user www-data",
    command: "sh /opt/sqlite.sh",
    ready: "sqlite3 /tmp/app.db 'SELECT count(*) FROM row'",
    progress: "sqlite3 /tmp/app.db 'SELECT count(*) FROM row'",
    verify:
      "test \"$(sqlite3 /tmp/app.db 'PRAGMA integrity_check; SELECT count(*) = max(id) AND sum(text = hex(zeroblob(500)) || id) = max(id) FROM row' | xargs)\" = 'ok 1'",
  },
  {
    id: "git",
    what: "Git, which commits, collects garbage and checks in a loop",
    how: "no command fails; at the end the check passes, and no commit is missing",
    image: "media",
    options: "--user www-data",
    command: "sh /opt/git.sh",
    ready: "git -c safe.directory='*' -C /tmp/repository log -1",
    progress: "git -c safe.directory='*' -C /tmp/repository rev-list --count HEAD",
    verify: "sh /opt/git-check.sh",
  },
];
