import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DockerClient } from "../client.ts";
import { fetchImage } from "./fetch-image.ts";

test.each([
  ["Docker ends in the middle", (end: { destroy(): void }) => end.destroy(), /aborted/],
  ["the registry refuses", (end: { end(text: string): void }) => end.end('{"error":"denied"}\n'), /denied/],
] as const)("an image is not fetched where %s", async (_, finish, says) => {
  const folder = mkdtempSync(join(tmpdir(), "godwit-fetch-"));
  const server = createServer((request, response) => {
    if (request.url === "/version") return response.end('{"ApiVersion":"1.47"}');
    response.write('{"status":"Pulling"}\n', () => finish(response));
  }).listen(join(folder, "socket"));
  await expect(fetchImage(new DockerClient("h1", join(folder, "socket")), "a/b@sha256:1")).rejects.toThrow(says);
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
