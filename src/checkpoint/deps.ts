import type { Host } from "../host/host.ts";
import type { Journal } from "../journal/journal.ts";
import type { CheckpointStore } from "./store/store.ts";

/** What every action on checkpoints needs. */
export interface CheckpointDeps {
  host: Host;
  store: CheckpointStore;
  journal: Journal;
}
