import { execFileSync } from "node:child_process";
import {
  appendFileSync as append,
  chmodSync as chmod,
  chownSync as chown,
  closeSync,
  linkSync as link,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync as rename,
  rmSync as rm,
  statSync as stat,
  symlinkSync as symlink,
  truncateSync as truncate,
  utimesSync as utimes,
  writeSync,
} from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partsOf } from "../../scripts/c-programs.ts";
import { holdBlocks, serveBlocks } from "../../src/host/files/blocks.ts";
import { serveTree } from "../../src/host/files/tree-sync.ts";
import { openLastRound } from "../../src/migration/source/transfer/files/last-round.ts";
import { sendTrees } from "../../src/migration/source/transfer/files/rounds.ts";
import type { FileTransfer } from "../../src/migration/source/transfer/files/send-tree.ts";
import type { Peer } from "../../src/transport/peer.ts";
import { compileTrees, shown, type Trees } from "./support/trees.ts";

const scratch = mkdtempSync(join(tmpdir(), "godwit-file-rounds-"));
const [program, outside] = [join(scratch, "godwit-blocks"), join(scratch, "outside")];
let trees: Trees;
beforeAll(() => {
  trees = compileTrees(scratch);
  const checked = ["-g", "-fsanitize=address,undefined"];
  execFileSync("cc", ["-std=gnu11", "-Wall", "-Wextra", "-Werror", ...checked, "-o", program, ...partsOf("blocks")]);
});
afterAll(() => rm(scratch, { recursive: true }));

const mib = 2 ** 20;
/** A file of random bytes, with a last block that is not whole. */
const fill = (path: string, bytes = 5 * mib + 77) =>
  execFileSync("sh", ["-c", `head -c ${bytes} /dev/urandom >"$0"`, path]);
function write(path: string, at: number, data: Buffer): void {
  const file = openSync(path, "r+");
  writeSync(file, data, 0, data.length, at);
  closeSync(file);
}
const page = (byte: string) => Buffer.alloc(4096, byte);

/** What happens to a large file `x` of a folder of its own: before the first round, before the second one, and before the last one. */
type LargeCase = Partial<Record<"before" | "between" | "after", () => void>>;

const intoFolder = () => {
  mkdirSync("one");
  rename("x", "one/x");
};
const odd = "#* [a]?\\ \n'";
const cases: Record<string, LargeCase> = {
  untouched: {},
  "is written in the middle": {
    between: () => write("x", mib, page("a")),
    after: () => write("x", 3 * mib, page("b")),
  },
  "is written in the second round": { between: () => write("x", mib, page("a")) },
  "is written at its end": { after: () => write("x", 5 * mib + 50, Buffer.from("end")) },
  grows: { between: () => append("x", page("a")), after: () => append("x", Buffer.alloc(2 * mib, "b")) },
  "is cut off": { between: () => truncate("x", 4 * mib + 5), after: () => truncate("x", 100) },
  "gets zeros": { between: () => write("x", mib, Buffer.alloc(2 * mib)), after: () => write("x", 0, page("\0")) },
  "gets a hole at its end": { after: () => truncate("x", 9 * mib) },
  "is written anew": { between: () => fill("x"), after: () => fill("x", 6 * mib) },
  "is replaced": {
    between: () => fill("y"),
    after: () => rename("y", "x"),
  },
  "is renamed": { between: () => write("x", 9, page("a")), after: () => rename("x", "y") },
  "is removed": { between: () => write("x", 9, page("a")), after: () => rm("x") },
  "is renamed in the second round": { between: () => rename("x", "y"), after: () => write("y", 9, page("a")) },
  "becomes a folder": {
    between: () => write("x", 9, page("a")),
    after: () => {
      rm("x");
      mkdirSync("x");
      fill("x/x");
    },
  },
  "becomes a fifo": {
    after: () => {
      rm("x");
      execFileSync("mkfifo", ["x"]);
    },
  },
  "becomes a link to what is outside": {
    between: () => {
      rm("x");
      symlink(join(outside, "x"), "x");
    },
    after: () => write(join(outside, "x"), 5, page("!")),
  },
  "gets another owner and mode": {
    between: () => {
      write("x", 9, page("a"));
      chown("x", 12, 13);
      chmod("x", 0o4755);
    },
  },
  "gets another mode at the end": { between: () => write("x", 9, page("a")), after: () => chmod("x", 0o600) },
  // A write takes this attribute away.
  "has a capability": {
    before: () => trees("set", "x", "security.capability", "0100000200200000000000000000000000000000"),
    between: () => {
      write("x", 9, page("a"));
      trees("set", "x", "security.capability", "0100000200200000000000000000000000000000");
    },
  },
  "gets an attribute": { between: () => write("x", 9, page("a")), after: () => trees("set", "x", "user.mark", "aa") },
  "is written and its time put back": {
    before: () => utimes("x", 1, 1),
    between: () => {
      write("x", 9, page("a"));
      utimes("x", 1, 1);
    },
    after: () => {
      write("x", mib, page("b"));
      utimes("x", 1, 1);
    },
  },
  "gets a second name": { between: () => write("x", 9, page("a")), after: () => link("x", "y") },
  "loses its second name": {
    before: () => link("x", "y"),
    between: () => {
      rm("y");
      fill("y");
      write("x", 9, page("a"));
    },
    after: () => write("y", 9, page("b")),
  },
  "has an odd name": {
    before: () => rename("x", odd),
    between: () => write(odd, 9, page("a")),
    after: () => write(odd, mib, page("a")),
  },
  "lies in a folder that is renamed": {
    before: intoFolder,
    between: () => write("one/x", 9, page("a")),
    after: () => rename("one", "two"),
  },
  "lies in a folder that becomes a link to what is outside at the end": {
    before: intoFolder,
    between: () => write("one/x", 9, page("a")),
    after: () => {
      rename("one", "two");
      symlink(outside, "one");
    },
  },
  "lies in a folder that becomes a link to where it was renamed": {
    before: intoFolder,
    between: () => write("one/x", 9, page("a")),
    after: () => {
      rename("one", "two");
      symlink("two", "one");
    },
  },
  "is a device there": {
    before: () => {
      rm("x");
      execFileSync("mknod", ["x", "c", "1", "3"]);
    },
    between: () => {
      rm("x");
      fill("x");
    },
  },
  "lies in a folder that becomes a link to what is outside": {
    before: intoFolder,
    between: () => {
      rename("one", "two");
      symlink(outside, "one");
    },
    after: () => write("two/x", 9, page("a")),
  },
};

/** Another host, which has this folder for tree 0. */
const otherHost = (folder: string, blocks = program): Peer =>
  ({
    name: "h2",
    async tunnel(path: string) {
      if (path.includes("/blocks/")) return serveBlocks(folder, blocks).stream;
      return (await serveTree(folder, join(scratch, `rsync-${performance.now()}.conf`))).stream;
    },
  }) as Partial<Peer> as Peer;

const transfer = (path: string, peer: Peer): FileTransfer => ({
  ...{ migration: "m", peer, counter: { sent: 0, received: 0 }, program, onlyContents: new Map() },
  trees: [{ kind: "volume", name: "v", destination: "/v", path }],
});

test("after rounds and a last round every large file is the same, and nothing outside has changed", async () => {
  const [source, destination] = ["source", "destination"].map((name) => join(scratch, name)) as [string, string];
  for (const folder of [source, destination, outside]) mkdirSync(folder);
  fill(join(outside, "x"));
  const each = (act: (it: LargeCase) => void) => {
    const before = process.cwd();
    for (const [name, it] of Object.entries(cases)) {
      process.chdir(join(source, name));
      act(it);
    }
    process.chdir(before);
  };
  for (const name of Object.keys(cases)) mkdirSync(join(source, name));
  each(({ before }) => {
    fill("x");
    before?.();
  });
  const files = transfer(source, otherHost(destination));
  expect(await sendTrees(files)).toBe(true);
  const written = join(destination, "is written in the middle", "x");
  const { ino } = stat(written);
  await sleep(100);
  each(({ between }) => between?.());
  // The last round must not find these changes.
  await sleep(100);
  expect(await sendTrees(files)).toBe(true);
  await sleep(100);
  const last = await openLastRound(files);
  each(({ after }) => after?.());
  const foreign = shown(trees, outside);
  await last.send([[]]);
  await last.close();
  expect(shown(trees, destination)).toEqual(shown(trees, source));
  expect(shown(trees, outside)).toEqual(foreign);
  // It was written in place, by godwit-blocks.
  expect(stat(written).ino).toBe(ino);
  expect(files.onlyContents.get(0)).toContain("is written in the middle/x");
}, 120_000);

/** Gives a godwit-blocks these paths, and connects it to `onConnection`. @returns those that it says are equal */
async function sendBlocks(source: string, paths: string[], onConnection: (socket: Socket) => void): Promise<string[]> {
  const server = createServer(onConnection);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  const held = holdBlocks(source, port, undefined, program);
  return [...(await held.send(paths).finally(() => server.close()))];
}

test("godwit-blocks leaves what is no plain file with one name inside of the tree", async () => {
  const [source, destination] = ["from", "to"].map((name) => join(scratch, name)) as [string, string];
  const beyond = join(scratch, "beyond");
  for (const folder of [source, destination, beyond]) mkdirSync(folder);
  fill(join(beyond, "x"));
  for (const name of ["plain", "missing there", "two names there", "two names here", "link there", "fifo there"])
    fill(join(source, name));
  for (const name of ["plain", "two names there", "two names here", "link here"]) fill(join(destination, name));
  link(join(destination, "two names there"), join(destination, "other"));
  link(join(source, "two names here"), join(source, "other"));
  symlink(join(beyond, "x"), join(destination, "link there"));
  symlink(join(beyond, "x"), join(source, "link here"));
  execFileSync("mkfifo", [join(destination, "fifo there")]);
  // A folder there, and a link here; and the other way round.
  for (const [folder, linked, name] of [
    [source, destination, "way out there"],
    [destination, source, "way out here"],
  ] as const) {
    mkdirSync(join(folder, name));
    fill(join(folder, name, "x"));
    symlink(beyond, join(linked, name));
  }
  const [before, others] = [
    shown(trees, beyond),
    () => shown(trees, destination).filter((line) => !/^.\/plain/.test(line)),
  ];
  const unchanged = others();
  const paths = [
    "plain",
    "missing there",
    "two names there",
    "two names here",
    "link there",
    "link here",
    "fifo there",
  ];
  const outer = ["way out there/x", "way out here/x", "../beyond/x", join(beyond, "x"), ".", ""];
  const equal = await sendBlocks(source, [...paths, ...outer], (socket) => {
    const { stream } = serveBlocks(destination, program);
    pipeline(socket, stream, () => {});
    pipeline(stream, socket, () => {});
  });
  expect(equal).toEqual(["plain"]);
  expect(shown(trees, beyond)).toEqual(before);
  expect(others()).toEqual(unchanged);
  execFileSync("cmp", [join(source, "plain"), join(destination, "plain")]);
});

test("godwit-blocks fails where the stream breaks", async () => {
  fill(join(scratch, "alone"));
  const cut = (socket: Socket) => void socket.once("data", () => socket.destroy());
  await expect(sendBlocks(scratch, ["alone"], cut)).rejects.toMatchObject({
    details: ["the connection broke: Broken pipe"],
  });
});

test("rsync takes all files where godwit-blocks does not work", async () => {
  const [source, destination] = ["with", "without"].map((name) => join(scratch, name)) as [string, string];
  for (const folder of [source, destination]) mkdirSync(folder);
  fill(join(source, "x"));
  const files = transfer(source, otherHost(destination, "false"));
  for (const byte of ["a", "b"]) {
    expect(await sendTrees(files)).toBe(true);
    write(join(source, "x"), mib, page(byte));
  }
  const last = await openLastRound(files);
  await last.send([[]]);
  await last.close();
  execFileSync("cmp", [join(source, "x"), join(destination, "x")]);
});

test("a file that keeps its time and size is the same, although no round got all files before it changed", async () => {
  const [source, destination] = ["kept", "received"].map((name) => join(scratch, name)) as [string, string];
  // rsync fails to put devices and fifos of several names in place of folders, and succeeds the second time.
  for (const name of ["one", "other"]) mkdirSync(join(destination, name), { recursive: true });
  fill(join(destination, "other", "x"), 1);
  mkdirSync(source);
  execFileSync("mkfifo", [join(source, "one")]);
  link(join(source, "one"), join(source, "other"));
  const names = { small: 100, large: 5 * mib };
  const rewrite = () => {
    for (const [name, bytes] of Object.entries(names)) {
      fill(join(source, name), bytes);
      utimes(join(source, name), 1, 1);
    }
  };
  rewrite();
  const files = transfer(source, otherHost(destination));
  expect(await sendTrees(files)).toBe(false);
  await sleep(100);
  rewrite();
  await sleep(100);
  expect(await sendTrees(files)).toBe(true);
  const last = await openLastRound(files);
  await last.send([[]]);
  await last.close();
  expect(shown(trees, destination)).toEqual(shown(trees, source));
});
