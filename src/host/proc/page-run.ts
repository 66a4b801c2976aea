/** Consecutive pages of one task: `first` is a page's number (address divided by `pageBytes`), `task` CRIU's id of the memory. */
export interface PageRun {
  task: number;
  first: number;
  count: number;
}
