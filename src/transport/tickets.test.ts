import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tickets } from "./tickets.ts";

const tickets = new Tickets();
const others: string[] = [];
let server: Server;

beforeAll(async () => {
  server = createServer((connection) => {
    connection.on("error", () => {});
    tickets.sort(connection, (other) => {
      others.push(other.read().toString());
      other.end("another");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterAll(() => {
  server.close();
});

function call(): Socket {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.on("error", () => {});
  return socket;
}

/** Until the other side closes. */
async function textOf(socket: Socket): Promise<string> {
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  await once(socket, "close");
  return text;
}

const serve = (connection: Socket) => connection.end("taken");

test("a connection with a ticket goes to whom the ticket is for, once", async () => {
  const line = `godwit ${tickets.issue(serve)}\n`;
  const first = call();
  first.write(line);
  expect(await textOf(first)).toBe("taken");
  const second = call();
  second.write(line);
  expect(await textOf(second)).toBe("");
});

test("a ticket may come in pieces", async () => {
  const line = `godwit ${tickets.issue(serve)}\n`;
  const socket = call();
  for (const part of [line.slice(0, 3), line.slice(3, 20), line.slice(20)]) {
    socket.write(part);
    await new Promise((done) => setTimeout(done, 20));
  }
  expect(await textOf(socket)).toBe("taken");
});

test("any other connection goes where it went before, with all of its bytes", async () => {
  const socket = call();
  socket.write("\x16\x03\x01 TLS");
  expect(await textOf(socket)).toBe("another");
  expect(others).toEqual(["\x16\x03\x01 TLS"]);
});

test.each(["godwit 0123456789abcdef0123456789abcdef\n", `godwit ${"x".repeat(100)}`])(
  "a ticket that nobody has issued is refused: %s",
  async (line) => {
    const socket = call();
    socket.write(line);
    expect(await textOf(socket)).toBe("");
  },
);
