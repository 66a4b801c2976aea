/** An entry of a tree, as `find` prints it. */
export interface Entry {
  /** `.` for the tree's own folder, `./a/b` for what is in it. One character for each byte, because a name need not be UTF-8. */
  path: string;
  folder: boolean;
  /** Device and number of its inode. */
  inode: string;
  /** How many names the inode has. */
  links: number;
  /** Whether its inode has changed since the round before. */
  changed: boolean;
}

/**
 * Folders that may have moved to their place since the round before. The contents of a moved folder keep their old times, so that
 * those times do not show that the paths are new. A folder that moved lies in a folder that has changed. It has also changed itself,
 * if the file system dates both of two folders that change places (`swapsAreDated`; renameat2(2), RENAME_EXCHANGE).
 * @param entries at least all entries that have changed
 * @returns paths, of which none lies below another one
 */
export function movedFolders(entries: Entry[], swapsAreDated: boolean): string[] {
  const changed = new Set(entries.filter(({ folder, changed }) => folder && changed).map(({ path }) => path));
  const moved = swapsAreDated ? [...changed].filter((path) => changed.has(parent(path))) : [...changed];
  const known = new Set(moved);
  return moved.filter((path) => !ancestors(path).some((above) => known.has(above)));
}

/**
 * What a round must compare to get the result of comparing everything. A path is as in `Entry`. A slash at its end stands for a
 * folder and what lies directly in it, including what was removed there. Undefined where such a list would name only some of the
 * names of one file: rsync would make the others a separate file.
 * @param entries all entries that have changed, and all files with more than one name
 * @param below the moved folders, and all folders below them
 */
export function changedPaths(entries: Entry[], below: string[]): string[] | undefined {
  const changed = entries.filter(({ changed }) => changed);
  const folders = new Set([...changed.filter(({ folder }) => folder).map(({ path }) => path), ...below]);
  const isWith = ({ path }: Entry) => folders.has(parent(path));
  const names = new Map<string, number>();
  for (const entry of entries) {
    if (entry.folder || entry.links < 2 || !(entry.changed || isWith(entry))) continue;
    names.set(entry.inode, (names.get(entry.inode) ?? 0) + 1);
  }
  if (entries.some(({ inode, links }) => (names.get(inode) ?? links) < links)) return undefined;
  const files = changed.filter((entry) => !entry.folder && !isWith(entry));
  return [...[...folders].map((path) => `${path}/`), ...files.map(({ path }) => path)];
}

/** The path of the folder that holds an entry. Empty for `.`; no entry has an empty path. */
const parent = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function ancestors(path: string): string[] {
  const above = parent(path);
  return above === "" ? [] : [above, ...ancestors(above)];
}
