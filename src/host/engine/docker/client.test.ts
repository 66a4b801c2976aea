import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { api } from "./api-path.ts";
import { DockerClient } from "./client.ts";

async function asking<T>(answer: RequestListener, ask: (client: DockerClient) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-client-"));
  const server = createServer((request, response) => {
    if (request.url === "/version") return response.end('{"ApiVersion":"1.47"}');
    return answer(request, response);
  }).listen(join(folder, "socket"));
  try {
    return await ask(new DockerClient("h1", join(folder, "socket")));
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test("only what Docker says is not there is not there", async () => {
  const find = (status: number) =>
    asking(
      (_, response) => response.writeHead(status).end('{"message":"it is so"}'),
      (client) => client.find(api`/volumes/${"data"}`),
    );
  expect(await find(200)).toEqual({ message: "it is so" });
  expect(await find(404)).toBeUndefined();
  await expect(find(500)).rejects.toMatchObject({ code: "docker-failed", message: "Docker says: it is so." });
  const cut = asking(
    (request) => request.socket.destroy(),
    (client) => client.find(api`/volumes/${"data"}`),
  );
  await expect(cut).rejects.toMatchObject({ code: "docker-unreachable" });
});

test("a request that is given up after the answer has begun is cancelled", async () => {
  const controller = new AbortController();
  const waiting = asking(
    (_, response) => {
      response.writeHead(200).flushHeaders();
      setTimeout(() => controller.abort(), 50);
    },
    (client) => client.post(api`/containers/${"one"}/wait`, { signal: controller.signal }),
  );
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
});
