import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CheckpointRecord,
  type CheckpointSummary,
  type DamagedCheckpoint,
  parseCheckpointRecord,
} from "../../contract/checkpoint.ts";
import { GodwitError } from "../../contract/errors.ts";
import { checkName } from "../../contract/names.ts";
import { readPlainFile } from "../../host/files/plain-file.ts";
import { checkpointsFolder } from "../../host/paths.ts";
import { isSame, joined, lineage } from "./lineage.ts";
import { seal, sealRecord } from "./manifest.ts";

const recordFile = "record.json";
/** Bytes; a record has some tens of kB. */
const recordLimit = 2 ** 24;
/** File of a container's folder. */
const lineageFile = ".lineage.json";

/** The places of the parts of one checkpoint. */
export interface CheckpointFolder {
  path: string;
  images: string;
  /** Docker's init, if the container runs with one. */
  init: string;
  /** Folder of the saved tree with this index in the record's `trees`. */
  tree(index: number): string;
}

/**
 * Checkpoints by the name of their container, so a container that is created again keeps its history. `commit` makes a checkpoint
 * visible, complete or not at all. Only root can read it, because memory holds secrets.
 */
export class CheckpointStore {
  readonly #root: string;
  /** Checkpoints that operations read, by the operation. */
  readonly #inUse = new Map<string, { container: string; name: string }>();

  constructor(root = checkpointsFolder) {
    this.#root = root;
  }

  /** Checkpoints whose record can be read, oldest first. */
  async list(container?: string): Promise<CheckpointRecord[]> {
    return (await this.#all(container))
      .flatMap(({ record }) => (record ? [record] : []))
      .sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  }

  /** Checkpoints whose record cannot be read. */
  async damaged(container?: string): Promise<DamagedCheckpoint[]> {
    return (await this.#all(container)).flatMap(({ record, ...it }) =>
      record ? [] : [{ ...it, damaged: true as const }],
    );
  }

  async #all(asked?: string) {
    const containers = asked ? [asked] : await readdir(this.#root).catch(() => []);
    const found = containers.map(async (container) => {
      const names = await readdir(join(this.#root, container)).catch(() => []);
      const kept = names.filter((name) => !name.startsWith("."));
      return Promise.all(kept.map(async (name) => ({ container, name, record: await this.#read(container, name) })));
    });
    return (await Promise.all(found)).flat();
  }

  /** @throws invalid-checkpoint if it exists, but cannot be read or does not fit */
  async find(container: string, name: string): Promise<CheckpointRecord | undefined> {
    const folder = this.folder(container, name);
    if (!existsSync(folder.path)) return undefined;
    try {
      return { ...(await readRecordOf(folder)), container, name };
    } catch (error) {
      const why = error instanceof GodwitError ? error.message : String(error);
      throw new GodwitError("invalid-checkpoint", `Checkpoint '${name}' of '${container}' is damaged. ${why}`, {
        hint: `Remove it: godwit checkpoint rm ${container} ${name}`,
        cause: error,
      });
    }
  }

  folder(container: string, name: string): CheckpointFolder {
    return layout(join(this.#root, checkName("container", container), checkName("checkpoint", name)));
  }

  /** Makes an empty folder. It becomes a checkpoint by `commit` only. @throws checkpoint-exists */
  async begin(container: string, name: string): Promise<CheckpointFolder> {
    await this.refuseExisting(container, name);
    const partial = layout(
      join(this.#root, checkName("container", container), `.${checkName("checkpoint", name)}.partial`),
    );
    await rm(partial.path, { recursive: true, force: true });
    await mkdir(partial.images, { recursive: true, mode: 0o700 });
    await chmod(this.#root, 0o700);
    return partial;
  }

  /** Writes the record and the manifest of a folder that is sent to another host. */
  async seal(partial: CheckpointFolder, record: CheckpointRecord): Promise<void> {
    await this.#describe(partial, record);
    await seal(partial.path);
  }

  async #describe(partial: CheckpointFolder, record: CheckpointRecord): Promise<void> {
    await writeFile(join(partial.path, recordFile), JSON.stringify(record, null, 2), { mode: 0o600 });
  }

  async commit(partial: CheckpointFolder, record: CheckpointRecord): Promise<void> {
    await this.seal(partial, record);
    await rename(partial.path, this.folder(record.container, record.name).path);
  }

  /** As `commit`, for a folder that has a manifest and has passed `verifySeal`. */
  async commitSealed(partial: CheckpointFolder, record: CheckpointRecord): Promise<void> {
    await this.#describe(partial, record);
    await sealRecord(partial.path);
    await rename(partial.path, this.folder(record.container, record.name).path);
  }

  async discard(partial: CheckpointFolder): Promise<void> {
    await rm(partial.path, { recursive: true, force: true });
  }

  async remove(container: string, name: string): Promise<void> {
    const { path } = this.folder(container, name);
    // Renamed first, so that nobody sees a checkpoint that is half removed.
    const doomed = join(this.#root, container, `.${name}.removed`);
    await rename(path, doomed);
    await rm(doomed, { recursive: true, force: true });
  }

  /** @throws checkpoint-exists */
  async refuseExisting(container: string, name: string): Promise<void> {
    if (!existsSync(this.folder(container, name).path)) return;
    throw new GodwitError("checkpoint-exists", `Container '${container}' already has a checkpoint '${name}'.`, {
      hint: `Choose another name, or remove it: godwit checkpoint rm ${container} ${name}`,
    });
  }

  /** While `read` runs, `refuseInUse` names the operation that reads the checkpoint. */
  async whileInUse<T>(container: string, name: string, operation: string, read: () => Promise<T>): Promise<T> {
    this.#inUse.set(operation, { container, name });
    try {
      return await read();
    } finally {
      this.#inUse.delete(operation);
    }
  }

  /** @throws busy where a clone is being made of it */
  refuseInUse(container: string, name: string): void {
    for (const [operation, read] of this.#inUse) {
      if (read.container !== container || read.name !== name) continue;
      throw new GodwitError(
        "busy",
        `Checkpoint '${name}' of '${container}' is in use by the operation 'clone' (id ${operation}).`,
        { hint: `Wait for it with: godwit operations watch ${operation}` },
      );
    }
  }

  /** Name of the checkpoint that this container was last saved as or restored from; null if that was another container with its name. */
  async current(container: string, id: string): Promise<string | null> {
    const name = await readPlainFile(join(this.#root, container, ".current"), recordLimit).catch(() => null);
    const record = name === null ? undefined : await this.#read(container, name);
    return record && (await this.belongs(record, id)) ? name : null;
  }

  async setCurrent(container: string, name: string): Promise<void> {
    await mkdir(join(this.#root, container), { recursive: true, mode: 0o700 });
    await writeFile(join(this.#root, container, ".current"), name);
  }

  /** Whether a checkpoint was taken of the container with this id, also under a former id. */
  async belongs({ container, containerId }: CheckpointRecord, id: string): Promise<boolean> {
    return isSame(await this.#lineage(container), containerId, id);
  }

  /** Notes that a container has another id now. Harmless if no container gets that id. */
  async join(container: string, formerIds: string[], id: string): Promise<void> {
    const groups = formerIds.reduce((all, former) => joined(all, former, id), await this.#lineage(container));
    await mkdir(join(this.#root, container), { recursive: true, mode: 0o700 });
    await writeFile(join(this.#root, container, lineageFile), JSON.stringify(groups));
  }

  /** Removes what a crash left half made or half removed, except the folders that are still needed. */
  async sweep(needed: string[] = []): Promise<void> {
    for (const container of await readdir(this.#root).catch(() => [])) {
      const names = await readdir(join(this.#root, container)).catch(() => []);
      for (const name of names.filter((entry) => /^\..*\.(partial|removed)$/.test(entry))) {
        const path = join(this.#root, container, name);
        if (!needed.includes(path)) await rm(path, { recursive: true, force: true });
      }
    }
  }

  async #lineage(container: string): Promise<string[][]> {
    const text = await readPlainFile(join(this.#root, container, lineageFile), recordLimit).catch(() => "[]");
    return lineage.parse(JSON.parse(text));
  }

  async #read(container: string, name: string): Promise<CheckpointRecord | undefined> {
    const record = await readRecordOf(layout(join(this.#root, container, name))).catch(() => undefined);
    return record && { ...record, container, name };
  }
}

/** @param foreign see CheckpointSummary */
export function summaryOf(record: CheckpointRecord, foreign = false): CheckpointSummary {
  const { inspect: _, processes: __, trees: ___, imageLayers: ____, ...summary } = record;
  return { ...summary, foreign };
}

/** @throws invalid-checkpoint if the folder has no record, or one that does not fit */
export async function readRecordOf(folder: CheckpointFolder): Promise<CheckpointRecord> {
  const own = await lstat(folder.path).catch(() => undefined);
  if (!own?.isDirectory()) throw new GodwitError("invalid-checkpoint", `${folder.path} is not a folder.`);
  const text = await readPlainFile(join(folder.path, recordFile), recordLimit).catch((cause) => {
    throw new GodwitError("invalid-checkpoint", "The checkpoint has no readable record.", { cause });
  });
  return parseCheckpointRecord(text);
}

function layout(path: string): CheckpointFolder {
  return {
    path,
    images: join(path, "images"),
    init: join(path, "init"),
    tree: (index) => join(path, "trees", String(index)),
  };
}
