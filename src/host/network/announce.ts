import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { GodwitError } from "../../contract/errors.ts";
import { announcePath } from "../paths.ts";
import { unblockRules } from "./traffic-block.ts";

/** A program that waits to unblock a container's traffic and to announce its addresses. It starts early, which costs no downtime. */
export interface PreparedUnblock {
  /** Returns when traffic passes. The announcement to the neighbours goes on for another second. @throws command-failed */
  unblock(): Promise<void>;
  /** Ends the program. Harmless after `unblock`. */
  drop(): void;
}

/** Prints `unblocked` when nothing is dropped any more. */
const script = `IFS= read -r go && printf '%s' "$1" | nft -f - && echo unblocked && exec ${announcePath}`;

/** Starts the program. @param pid a process in the container's network namespace */
export function prepareUnblock(pid: number): PreparedUnblock {
  const args = ["--target", String(pid), "--net", "sh", "-c", script, "sh", unblockRules];
  // Detached: the announcement goes on if the agent ends.
  const child = spawn("nsenter", args, { stdio: ["pipe", "pipe", "ignore"], detached: true });
  child.on("error", () => {});
  child.stdin.on("error", () => {});
  const told = Promise.race([once(child.stdout, "data"), ended(child)]);
  told.catch(() => {});
  return {
    async unblock() {
      child.stdin.end("go\n");
      await told;
    },
    drop: () => child.stdin.end(),
  };
}

/** Announces the addresses of a container that stays on this host. `pid` is a process in its network namespace. */
export function announce(pid: number): void {
  const child = spawn("nsenter", ["--target", String(pid), "--net", announcePath], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

async function ended(child: ChildProcess): Promise<never> {
  const [status] = await once(child, "close");
  throw new GodwitError("command-failed", `godwit could not unblock the container's network (nft: status ${status}).`, {
    hint: "The container does not run here, because its packets would be dropped; look at: nft list ruleset",
  });
}
