// An HTTP server with two workers. For each request they ask the first process for its number.
import cluster from "node:cluster";
import { createServer } from "node:http";

if (cluster.isPrimary) {
  let count = 0;
  cluster.on("message", (worker, id) => worker.send({ id, number: ++count }));
  cluster.on("exit", () => process.exit(1));
  for (let i = 0; i < 2; i++) cluster.fork();
} else {
  const waiting = new Map();
  process.on("message", ({ id, number }) => {
    waiting.get(id)(number);
    waiting.delete(id);
  });
  let asked = 0;
  const nextNumber = () =>
    new Promise((resolve) => {
      waiting.set(++asked, resolve);
      process.send(asked);
    });
  const server = createServer(async (request, response) => {
    const i = Number(new URL(request.url, "http://host").searchParams.get("i"));
    response.end(JSON.stringify({ i, number: await nextNumber() }));
  });
  server.keepAliveTimeout = 65_000;
  server.listen(8080);
}
