/** Consecutive pages of one task: `first` is a page's number (address divided by `pageBytes`), `task` CRIU's id of the memory. */
export interface PageRun {
  task: number;
  first: number;
  count: number;
}

/** Pages that a process shared with its parent by copy-on-write. Both are ids of memories, as `task`. */
export interface SharedRun extends PageRun {
  parent: number;
  /** Has the contents, at the same addresses. */
  owner: number;
}
