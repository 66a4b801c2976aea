// registry.mjs FOLDER PORT: serves the one image of an OCI layout (as docker save writes it) under any name, for docker pull.
import { createReadStream, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [folder, port] = process.argv.slice(2);
const [manifest] = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")).manifests;

createServer((request, response) => {
  const [, kind, reference] = /\/(manifests|blobs)\/([^/]+)$/.exec(request.url) ?? [];
  process.stdout.write(`${request.method} ${kind ?? request.url}\n`);
  if (!kind) return response.end("{}");
  const digest = reference.startsWith("sha256:") ? reference : manifest.digest;
  const file = join(folder, "blobs", digest.replace(":", "/"));
  response.setHeader("docker-content-digest", digest);
  response.setHeader("content-type", kind === "manifests" ? manifest.mediaType : "application/octet-stream");
  response.setHeader("content-length", statSync(file).size);
  if (request.method === "HEAD") response.end();
  else createReadStream(file).pipe(response);
}).listen(Number(port), "127.0.0.1");
