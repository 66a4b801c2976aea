import { migrationProtocol } from "../../../contract/peer/protocol.ts";
import { type LogMark, readWholeLog } from "../../../host/container/logs/logs.ts";
import type { ContainerInspect } from "../../../host/engine/inspect.ts";
import { uploadToPeer } from "../../../transport/peer-calls.ts";
import type { FileTransfer } from "./files/send-tree.ts";

/** Sends the log as it is now. @returns how far it was sent */
export function sendLogs(
  { migration, peer, counter }: FileTransfer,
  container: ContainerInspect,
  dockerRoot: string,
  signal?: AbortSignal,
): Promise<LogMark | undefined> {
  const send: Parameters<typeof readWholeLog>[2] = async ({ suffix, bytes }, stream) => {
    await uploadToPeer(peer, migrationProtocol.sendLog, { migration }, { suffix }, stream, { signal });
    counter.sent += bytes;
  };
  return readWholeLog(container, dockerRoot, send, signal);
}
