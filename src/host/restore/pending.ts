import { closeSync, constants, existsSync, openSync, writeSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { GodwitError } from "../../contract/errors.ts";
import { HeldConfig } from "../criu/dump/held-config.ts";
import { pendingFolder } from "../paths.ts";
import { run } from "../proc/process.ts";

/** The files in the folder of a pending restore. The header of runtime/godwit-runtime says what each of them is for. */
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
  ...{ silence: "silence", locks: "locks", unlocked: "unlocked", sysctl: "sysctl" },
  ...{ killed: "killed", refused: "refused", consumed: "consumed" },
} as const;
const fifos = [pendingFiles.go, pendingFiles.notes, pendingFiles.event, pendingFiles.cont];
/** runc asks CRIU for its version before it makes the container's root ready. */
const startsBefore = 1;

/**
 * The agent's side of a pending restore: a folder that the runtime hook finds (its header describes the files).
 * While it exists, the container cannot be started from scratch, agent or no agent.
 */
export class PendingRestore {
  readonly id: string;
  readonly folder: string;
  /** Restored inside `create`. */
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
    // Opened for both directions, a fifo keeps what is written to it, and its other side never waits for ours.
    this.#go = openSync(join(folder, pendingFiles.go), constants.O_RDWR);
    this.#notes = new Socket({
      fd: openSync(join(folder, pendingFiles.notes), constants.O_RDWR | constants.O_NONBLOCK),
      writable: false,
    });
    createInterface(this.#notes).on("line", (line) => this.#onMessage(line));
  }

  /** `restoreInCreate`: restored inside `create`, which a container with a terminal needs. */
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

  /** The bundle's folder and the waiting hook's process, once the runtime waits inside `create`. */
  get armed(): Promise<{ hookPid: number; bundle: string }> {
    return this.#armed.promise;
  }

  /** The first process, once its namespaces are there, and Docker may connect the network. Not where it is restored inside `create`. */
  get namespaces(): Promise<number> {
    return this.#namespaces.promise;
  }

  /** Whether Docker gave the container up between create and start, for a reason of its own. */
  get killed(): boolean {
    return existsSync(join(this.folder, pendingFiles.killed));
  }

  /** Exit status of `runc restore`; with 0 the container runs. */
  get exit(): Promise<number> {
    return this.#exit.promise;
  }

  /** Has a hook block its network with these rules for nft, before Docker makes the network. */
  async blockTraffic(rules: string): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.silence), rules);
  }

  /** Has a hook make settings of the kernel in its network namespace: paths below /proc/sys, and values. */
  async setNetwork(settings: [path: string, value: string][]): Promise<void> {
    await writeFile(
      join(this.folder, pendingFiles.sysctl),
      settings.map((setting) => `${setting.join(" ")}\n`).join(""),
    );
  }

  /** Has the hook take record locks again after the restore, by orders for godwit-locks; CRIU is to leave the processes stopped. */
  async retakeLocks(orders: string): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.locks), orders);
  }

  /** Why that could not be done; empty where nothing went wrong. */
  async unlocked(): Promise<string> {
    return (await readFile(join(this.folder, pendingFiles.unlocked), "utf8").catch(() => "")).trim();
  }

  /** Has the waiting runtime run `runc restore` with more arguments, up to where it needs the container's root. */
  async begin(args: string[]): Promise<void> {
    await writeFile(join(this.folder, pendingFiles.args), args.map((arg) => `${arg}\n`).join(""));
    writeSync(this.#go, "go\n");
  }

  /** The root is mounted: runc goes on, up to the start of the CRIU that restores. */
  async prepareRootfs(criu: string[]): Promise<void> {
    await this.#config.pass(criu);
  }

  /** Lets CRIU restore, with lines of a configuration file. */
  async release(criu: string[]): Promise<void> {
    await this.#config.release(criu);
  }

  /** Whether it is over: nothing waits for it any more. */
  get closed(): boolean {
    return this.#notes.destroyed;
  }

  /** Makes the waiting runtime, and every later start, fail with a sentence. */
  async refuse(sentence: string): Promise<void> {
    this.#config.stop();
    const plain = sentence.replace(/["\\\n]/g, "'");
    await writeFile(join(this.folder, pendingFiles.refused), plain);
    writeSync(this.#go, `${plain}\n`);
  }

  /** Ends it: from now on the container is an ordinary one. */
  async remove(): Promise<void> {
    this.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Lets go of the fifos, and leaves the folder: the container stays unstartable. */
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

/** Tells a hook that waits for an agent that is gone to give up. One that was let go before this is not disturbed. */
export async function abandonPending(id: string): Promise<void> {
  const go = join(pendingFolder, id, pendingFiles.go);
  if (!existsSync(go)) return;
  // A hook that has not come to opening the fifo waits for somebody to write; opened for both directions, it never blocks us.
  const fd = openSync(go, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, "the agent ended before the state of this container was complete\n");
  closeSync(fd);
}

/** Removes a pending restore that no agent holds. */
export async function removePending(id: string): Promise<void> {
  if (!/^[0-9a-f]+$/.test(id)) throw new GodwitError("invalid-name", `'${id}' is not a container id.`);
  await rm(join(pendingFolder, id), { recursive: true, force: true });
}
