import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { GodwitError } from "../../contract/errors.ts";
import { removeEmptyCgroup } from "../cgroup/ahead.ts";
import { HeldConfig } from "../criu/dump/held-config.ts";
import { pendingFolder } from "../paths.ts";
import { ifGone } from "../proc/gone.ts";
import { run } from "../proc/process.ts";

/** The files in the folder of a pending restore. The header of runtime/godwit-runtime describes them. */
export const pendingFiles = {
  ...{
    go: "go",
    notes: "notes",
    event: "event",
    cont: "cont",
    args: "args",
    config: "criu.conf",
    restoreInCreate: "whole",
  },
  ...{
    silence: "silence",
    locks: "locks",
    state: "state",
    unrestored: "unrestored",
    failed: "failed",
    sysctl: "sysctl",
  },
  ...{ cgroup: "cgroup", killed: "killed", refused: "refused", consumed: "consumed" },
} as const;
const fifos = [pendingFiles.go, pendingFiles.notes, pendingFiles.event, pendingFiles.cont];
/** How often runc starts CRIU before the restore: to get its version, before runc prepares the container's root. */
const startsBefore = 1;

/**
 * The agent's side of a pending restore: a folder that the runtime hook finds. While the folder exists, the container cannot start
 * from scratch, with or without an agent.
 */
export class PendingRestore {
  readonly id: string;
  readonly folder: string;
  /** Whether the hook restores inside `create`. */
  readonly restoreInCreate: boolean;
  readonly #go: number;
  readonly #notes: Socket;
  readonly #config: HeldConfig;
  readonly #armed = Promise.withResolvers<{ hookPid: number; bundle: string }>();
  readonly #namespaces = Promise.withResolvers<number>();
  readonly #exit = Promise.withResolvers<number>();

  private constructor(id: string, folder: string, restoreInCreate: boolean, config: HeldConfig) {
    this.id = id;
    this.folder = folder;
    this.restoreInCreate = restoreInCreate;
    this.#config = config;
    // A fifo that is open for reading and writing keeps what is written to it, and never lets its other side wait for this one.
    this.#go = openSync(join(folder, pendingFiles.go), constants.O_RDWR);
    this.#notes = new Socket({
      fd: openSync(join(folder, pendingFiles.notes), constants.O_RDWR | constants.O_NONBLOCK),
      writable: false,
    });
    createInterface(this.#notes).on("line", (line) => this.#onMessage(line));
  }

  /** Makes the folder. `restoreInCreate`: the hook restores inside `create`, which a container with a terminal needs. */
  static async create(id: string, options: { restoreInCreate: boolean }): Promise<PendingRestore> {
    const folder = join(pendingFolder, id);
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await run("mkfifo", ["-m", "600", ...fifos.map((name) => join(folder, name))]);
    if (options.restoreInCreate) await writeFile(join(folder, pendingFiles.restoreInCreate), "");
    return new PendingRestore(
      id,
      folder,
      options.restoreInCreate,
      await HeldConfig.create(join(folder, pendingFiles.config), startsBefore),
    );
  }

  /** Settles when the hook waits inside `create`: the process of the hook, and the folder of the bundle. */
  get armed(): Promise<{ hookPid: number; bundle: string }> {
    return this.#armed.promise;
  }

  /** The first process. Settles when its namespaces exist and Docker may connect the network; never with `restoreInCreate`. */
  get namespaces(): Promise<number> {
    return this.#namespaces.promise;
  }

  /** Whether Docker killed the container between `create` and `start`. */
  get killed(): boolean {
    return existsSync(join(this.folder, pendingFiles.killed));
  }

  /** Exit status of `runc restore`; with 0 the container runs. */
  get exit(): Promise<number> {
    return this.#exit.promise;
  }

  /** Keeps the folder of a cgroup that is made before runc makes it. */
  async noteCgroup(folder: string): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.cgroup), folder);
  }

  /** Lets a hook block the container's network with these nft rules, before Docker connects it. Call it before `begin`. */
  async blockTraffic(rules: string): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.silence), rules);
  }

  /** Lets a hook make sysctl settings in the container's network namespace: paths below /proc/sys, and values. */
  async setNetwork(settings: [path: string, value: string][]): Promise<void> {
    await writeFile(
      join(this.folder, pendingFiles.sysctl),
      settings.map((setting) => `${setting.join(" ")}\n`).join(""),
    );
  }

  /** Lets the hook take record locks again after the restore. `orders` are for godwit-state. CRIU must leave the processes stopped. */
  async retakeLocks(orders: string): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.locks), orders);
  }

  /** Lets godwit-state put state back that CRIU leaves out (see process-state.ts). `saved` is the file that has it. */
  async putBack(saved: string): Promise<void> {
    await copyFile(saved, join(this.folder, pendingFiles.state));
  }

  /** What godwit-state could not put back, a phrase each. */
  async unrestored(): Promise<string[]> {
    return (await this.#read(pendingFiles.unrestored)).split("\n").filter(Boolean);
  }

  /** Why godwit-state failed; empty where it did not. */
  async failed(): Promise<string> {
    return (await this.#read(pendingFiles.failed)).trim();
  }

  async #read(name: string): Promise<string> {
    return readFile(join(this.folder, name), "utf8").catch(ifGone(""));
  }

  /** Lets the waiting hook run `runc restore` with these arguments added. runc stops before it needs the container's root. */
  async begin(args: string[]): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.args), args.map((arg) => `${arg}\n`).join(""));
    writeSync(this.#go, "go\n");
  }

  /** Lets runc go on, up to the start of the CRIU that restores. The root must be mounted. `criu`: lines of CRIU's configuration. */
  async prepareRootfs(criu: string[]): Promise<void> {
    await this.#config.pass(criu);
  }

  /** Lets CRIU restore. `criu`: lines of CRIU's configuration. */
  async release(criu: string[]): Promise<void> {
    await this.#config.release(criu);
  }

  /** Whether `close` or `remove` was called. */
  get closed(): boolean {
    return this.#notes.destroyed;
  }

  /** Makes the waiting hook, and every later start of the container, fail with this sentence. */
  async refuse(sentence: string): Promise<void> {
    this.#config.stop();
    const plain = sentence.replace(/["\\\n]/g, "'");
    await writeFile(join(this.folder, pendingFiles.refused), plain);
    writeSync(this.#go, `${plain}\n`);
  }

  /** Ends the pending restore: the container is an ordinary one from now on. */
  async remove(): Promise<void> {
    this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Closes the fifos and keeps the folder, so that the container still cannot start. */
  close(): void {
    if (this.closed) return;
    this.#config.close();
    this.#notes.destroy();
    closeSync(this.#go);
  }

  #onMessage(line: string): void {
    const [word, ...rest] = line.split(" ");
    if (word === "armed") this.#armed.resolve({ hookPid: Number(rest[0]), bundle: rest.slice(1).join(" ") });
    if (word === "pid") this.#namespaces.resolve(Number(rest[0]));
    if (word !== "exit") return;
    this.#exit.resolve(Number(rest[0]));
    this.#config.close();
  }
}

/** Makes a hook give up that waits for an agent that is gone. A hook that has got its `go` is not disturbed. */
export async function abandonPending(id: string): Promise<void> {
  const go = join(pendingFolder, id, pendingFiles.go);
  if (!existsSync(go)) return;
  // A fifo that is open for reading and writing never blocks the agent, also if the hook has not opened it yet.
  const fd = openSync(go, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, "the agent ended before the state of this container was complete\n");
  closeSync(fd);
}

/** Removes the cgroup that was made for a container before runc had one for it, where no process is in it. */
export async function removeCgroupAhead(id: string): Promise<void> {
  const folder = await readFile(join(pendingFolder, id, pendingFiles.cgroup), "utf8").catch(ifGone(""));
  if (folder) await removeEmptyCgroup(folder);
}

/** Removes a pending restore that no agent holds. */
export async function removePending(id: string): Promise<void> {
  if (!/^[0-9a-f]+$/.test(id)) throw new GodwitError("invalid-name", `'${id}' is not a container id.`);
  await rm(join(pendingFolder, id), { recursive: true, force: true });
}
