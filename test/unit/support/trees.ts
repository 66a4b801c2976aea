import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";
import { holdTree, sendTree, serveTree } from "../../../src/host/files/tree-sync.ts";

export type Trees = (...args: string[]) => string;

/** Compiles trees.c into a folder. @returns what runs it */
export function compileTrees(folder: string): Trees {
  const program = join(folder, "trees");
  execFileSync("cc", ["-o", program, fileURLToPath(new URL("trees.c", import.meta.url))]);
  return (...args) => execFileSync(program, args, { encoding: "latin1", stdio: ["ignore", "pipe", "pipe"] });
}

/** All that a tree is, a line an entry; names of one file have the first of them in the place of its inode. */
export function shown(trees: Trees, folder: string): string[] {
  const first = new Map<string, string>();
  return trees("show", folder)
    .split("\n")
    .map((line) =>
      line.replace(/inode=(\d+)/, (_, inode: string) => {
        const path = line.slice(0, line.indexOf(" "));
        if (!first.has(inode)) first.set(inode, path);
        return `inode=${first.get(inode)}`;
      }),
    );
}

/** Sends a tree, or these paths or files of it, as one agent does to another one, into a folder of this machine. */
export async function send(
  from: string,
  to: string,
  scratch: string,
  { paths, ...selection }: { paths?: string[] | undefined; always?: string[]; without?: string[] } = {},
): Promise<void> {
  const server = createServer(async (socket) => {
    const { stream: served } = await serveTree(to, join(scratch, `rsync-${performance.now()}.conf`));
    pipeline(socket, served, () => {});
    pipeline(served, socket, () => {});
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    const { port } = server.address() as { port: number };
    await (paths ? holdTree(from, port).send(paths) : sendTree({ path: from }, port, selection));
  } finally {
    server.close();
  }
}
