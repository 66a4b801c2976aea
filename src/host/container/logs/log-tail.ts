import { BinaryReader } from "@bufbuild/protobuf/wire";

/** A line of a container's output, as Docker logged it. `text` ends with a newline, except for a part of a long line that Docker cut. */
export interface LogEntry {
  stream: "stdout" | "stderr";
  text: string;
}

/** The entries in a part of a log file of the driver `json-file`. */
export function parseJsonLog(part: Buffer): LogEntry[] {
  return part
    .toString("utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { log, stream } = JSON.parse(line) as { log: string; stream: string };
      return { stream: stream === "stderr" ? "stderr" : "stdout", text: log };
    });
}

/**
 * The entries in a part of a log file of the driver `local`. Each entry is a protobuf message (fields: 1 source, 2 time, 3 line,
 * 4 partial) between two copies of its length. A length is a big-endian number of four bytes.
 */
export function parseLocalLog(part: Buffer): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = 0; at + 8 <= part.length; ) {
    const length = part.readUInt32BE(at);
    entries.push(parseLocalEntry(part.subarray(at + 4, at + 4 + length)));
    at += length + 8;
  }
  return entries;
}

function parseLocalEntry(message: Buffer): LogEntry {
  const reader = new BinaryReader(message);
  let source = "";
  let line = "";
  let partial = false;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1) source = reader.string();
    else if (field === 3) line = Buffer.from(reader.bytes()).toString("utf8");
    else if (field === 4) partial = reader.bool();
    else reader.skip(type);
  }
  return { stream: source === "stderr" ? "stderr" : "stdout", text: partial ? line : `${line}\n` };
}
