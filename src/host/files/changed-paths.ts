/** An entry of a tree, as `find` tells of it. */
export interface Entry {
  /** `.` for the tree's own folder, `./a/b` for what is in it; a character a byte, since a name need not be UTF-8. */
  path: string;
  folder: boolean;
  /** Device and number of its inode, and how many names that has. */
  inode: string;
  links: number;
  /** Its inode's last change is not older than the round before. */
  changed: boolean;
}

/**
 * Folders that may have come to their place since the round before, with contents that nobody has touched since: what is below
 * them tells nothing by its own time. A folder got its name after the round began only if the folder that it lies in has
 * changed; and it has changed itself, where `swapsAreDated`: on a file system that also dates two things that change places
 * within one folder (renameat2(2), RENAME_EXCHANGE). None of the folders lies below another one of them.
 * @param entries at least all that have changed
 */
export function movedFolders(entries: Entry[], swapsAreDated: boolean): string[] {
  const changed = new Set(entries.filter(({ folder, changed }) => folder && changed).map(({ path }) => path));
  const moved = swapsAreDated ? [...changed].filter((path) => changed.has(parent(path))) : [...changed];
  const known = new Set(moved);
  return moved.filter((path) => !ancestors(path).some((above) => known.has(above)));
}

/**
 * What a round must compare so that it gives what a comparison of everything would: paths as in `Entry`, with a slash at the end
 * for a folder whose contents are meant too, each of them and what is gone, but not what is below them. Undefined where a list
 * cannot say it: of several names of one file it would have only some, and the others would be taken for another file.
 * @param entries all that have changed, and all files with more than one name
 * @param below all folders below the moved ones, and those themselves
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

/** Of `.` it is empty, which no entry has. */
const parent = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

function ancestors(path: string): string[] {
  const above = parent(path);
  return above === "" ? [] : [above, ...ancestors(above)];
}
