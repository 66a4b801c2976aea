import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { GodwitError } from "../../contract/errors.ts";
import { announcePath } from "../paths.ts";
import { unblockRules } from "./traffic-block.ts";

/** A program that waits to unblock a container's traffic, and then to announce its addresses. Its start is paid for beforehand. */
export interface PreparedUnblock {
  /** Returns when traffic passes. The announcement to the neighbours goes on beside it for a second. @throws command-failed */
  unblock(): Promise<void>;
  /** Ends it. Harmless after `unblock`. */
  drop(): void;
}

/** The output ends with a line as soon as nothing is dropped any more. */
const script = `IFS= read -r go && printf '%s' "$1" | nft -f - && echo unblocked && exec ${announcePath}`;

/** @param pid in the network namespace in question */
export function prepareUnblock(pid: number): PreparedUnblock {
  const args = ["--target", String(pid), "--net", "sh", "-c", script, "sh", unblockRules];
  // It goes on for a second, also where the agent ends.
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

/** Neighbours are told again where a container is that did not go. */
export function announce(pid: number): void {
  const child = spawn("nsenter", ["--target", String(pid), "--net", announcePath], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

async function ended(child: ChildProcess): Promise<never> {
  const [status] = await once(child, "close");
  throw new GodwitError(
    "command-failed",
    `The container's network could not be opened again (nft: status ${status}).`,
    {
      hint: "Its packets would be dropped, so that it does not run here; look at: nft list ruleset",
    },
  );
}
