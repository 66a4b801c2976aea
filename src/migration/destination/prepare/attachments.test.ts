import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { GodwitError } from "../../../contract/errors.ts";
import type { Host } from "../../../host/host.ts";
import type { IncomingRecord } from "../record.ts";
import { removeAttachments } from "./attachments.ts";

test("what was made is removed once; what somebody uses stays; what fails is tried with the next discard", async () => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-attachments-"));
  try {
    const [made, path] = [join(folder, "made"), join(folder, "made/bound")];
    mkdirSync(path, { recursive: true });
    const record = {
      volumes: ["data", "used"],
      networks: ["lan"],
      paths: [path],
      folders: [made],
    } as unknown as IncomingRecord;
    const inUse = new GodwitError("docker-failed", "volume is in use");
    const removeVolume = vi.fn(async (name: string) => {
      if (name === "used") throw inUse;
    });
    const removeNetwork = vi.fn(async (_: string) => {});
    removeNetwork.mockRejectedValueOnce(new GodwitError("docker-unreachable", "Docker does not answer"));
    const host = { engine: { removeVolume, removeNetwork } } as unknown as Host;
    const save = vi.fn();
    await expect(removeAttachments(host, record, save)).rejects.toThrow("does not answer");
    expect(record).toMatchObject({ volumes: [], networks: ["lan"], paths: [path] });
    await removeAttachments(host, record, save);
    expect(record).toMatchObject({ networks: [], paths: [], folders: [] });
    expect(existsSync(made)).toBe(false);
    // Somebody else's by now.
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "precious"), "");
    await removeAttachments(host, record, save);
    expect(existsSync(join(path, "precious"))).toBe(true);
    expect(removeVolume).toHaveBeenCalledTimes(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
