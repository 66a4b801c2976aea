import {
  appendFileSync as append,
  chmodSync as chmod,
  chownSync as chown,
  linkSync as link,
  renameSync as rename,
  rmSync,
  utimesSync as utimes,
  writeFileSync as write,
} from "node:fs";
import type { TreeCase } from "./tree-cases.ts";
import type { Trees } from "./trees.ts";

const rm = (path: string) => rmSync(path, { recursive: true });

const acl = (entries: [tag: number, permissions: number, id?: number][]) => {
  const value = Buffer.alloc(4 + 8 * entries.length);
  value.writeUInt32LE(2);
  for (const [i, [tag, permissions, id]] of entries.entries()) {
    value.writeUInt16LE(tag, 4 + 8 * i);
    value.writeUInt16LE(permissions, 6 + 8 * i);
    value.writeUInt32LE(id ?? 0xffffffff, 8 + 8 * i);
  }
  return value.toString("hex");
};
const user12 = acl([
  [1, 6],
  [2, 4, 12],
  [4, 4],
  [16, 6],
  [32, 4],
]);

/** What is no plain file, has more than one name, or changes in something else than its contents. */
export const inodeCases = (trees: Trees): Record<string, TreeCase> => ({
  "a file has two names": { after: () => link("a/x", "b/x") },
  "a file with two names gets a third": { before: () => link("a/x", "b/x"), after: () => link("a/x", "a/deep/x") },
  "a file with two names grows": { before: () => link("a/x", "b/x"), after: () => append("a/x", "more") },
  "a file loses one of its names": { before: () => link("a/x", "b/x"), after: () => rm("b/x") },
  "a name goes from one file to another": {
    before: () => {
      link("a/x", "b/x");
      link("a/y", "b/y");
    },
    after: () => {
      rm("b/x");
      link("a/y", "b/x");
    },
  },
  "one of two names becomes a file of its own": {
    before: () => link("a/x", "b/x"),
    after: () => {
      rm("b/x");
      write("b/x", "of its own");
    },
  },
  "a name of a file with two moves": { before: () => link("a/x", "b/x"), after: () => rename("b/x", "a/deep/x") },
  "a folder with both names of a file moves": {
    before: () => link("a/x", "a/deep/x"),
    after: () => rename("a", "b/a"),
  },
  "a whiteout is made": {
    after: () => {
      rm("a/x");
      trees("whiteout", "a/x");
    },
  },
  "a whiteout takes a folder's place": {
    after: () => {
      rm("a");
      trees("whiteout", "a");
    },
  },
  "a whiteout goes": { before: () => trees("whiteout", "a/gone"), after: () => rm("a/gone") },
  "a file takes a whiteout's place": {
    before: () => trees("whiteout", "a/gone"),
    after: () => {
      rm("a/gone");
      write("a/gone", "back");
    },
  },
  "a folder becomes opaque": { after: () => trees("set", "a/deep", "trusted.overlay.opaque", "79") },
  "sockets, fifos and devices come and go": {
    before: () => trees("nodes", "a/deep"),
    after: () => {
      trees("nodes", "b");
      rm("a/deep/socket");
      rm("a/deep/fifo");
      rm("a/deep/device");
    },
  },
  "only the mode": {
    after: () => {
      chmod("a/x", 0o4711);
      chmod("a/deep", 0o1700);
    },
  },
  "only the owner": {
    after: () => {
      chown("a/x", 12, 34);
      chown("a/deep", 56, 78);
    },
  },
  "only an extended attribute": {
    after: () => {
      trees("set", "a/x", "user.note", "6162");
      trees("set", "b", "user.note", "63");
    },
  },
  "only an ACL": {
    after: () => {
      trees("set", "a/x", "system.posix_acl_access", user12);
      trees("set", "a/deep", "system.posix_acl_default", user12);
    },
  },
  "only a time": {
    after: () => {
      utimes("a/x", 1, 1);
      utimes("a/deep", 2, 2);
    },
  },
  "a file grows and its time is put back": {
    after: () => {
      append("a/x", "more");
      utimes("a/x", 1, 1);
    },
  },
  "the time of the folder of a new file is put back": {
    after: () => {
      write("a/deep/new", "1");
      utimes("a/deep", 3, 3);
    },
  },
  "the time of the folder of a removed file is put back": {
    after: () => {
      rm("a/deep/z");
      utimes("a/deep", 3, 3);
    },
  },
});
