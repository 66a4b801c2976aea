// A WebSocket server (RFC 6455, text frames of up to 125 bytes): `to TEXT` from client number N goes to client `to` as `N TEXT`.
// `clock` is answered with what its timers have seen.
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const clients = new Map();
const periodMs = 20;
const begun = performance.now();
const clock = { ticks: 0, early: 0, pending: 0, fired: 0 };

setInterval(() => {
  clock.ticks += 1;
  // A timer that made up for the gap with a burst would be ahead of the clock.
  if (clock.ticks * periodMs > performance.now() - begun + periodMs) clock.early += 1;
}, periodMs);

// Some long timers are always under way, and each ends once, and not before its time.
function longTimer() {
  const due = performance.now() + 3000;
  clock.pending += 1;
  setTimeout(() => {
    if (performance.now() < due - 1) clock.early += 1;
    clock.pending -= 1;
    clock.fired += 1;
    longTimer();
  }, 3000);
}
for (let i = 0; i < 10; i++) setTimeout(longTimer, i * 300);

const server = createServer();
server.on("upgrade", (request, socket) => {
  const number = request.url.slice(1);
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  socket.setNoDelay(true);
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  clients.set(number, socket);
  let rest = Buffer.alloc(0);
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    for (;;) {
      const length = rest.length < 2 ? Number.POSITIVE_INFINITY : (rest[1] & 127) + 6;
      if (rest.length < length) return;
      const mask = rest.subarray(2, 6);
      receive(
        number,
        rest.subarray(6, length).map((byte, i) => byte ^ mask[i % 4]),
      );
      rest = rest.subarray(length);
    }
  });
  socket.on("error", (error) => process.stderr.write(`client ${number}: ${error.message}\n`));
  socket.on("close", () => clients.delete(number));
});
server.listen(80);

function receive(number, data) {
  const text = data.toString();
  if (text === "clock") return send(number, JSON.stringify({ ...clock, clients: clients.size }));
  const space = text.indexOf(" ");
  send(text.slice(0, space), `${number} ${text.slice(space + 1)}`);
}

function send(number, text) {
  const data = Buffer.from(text);
  clients.get(number)?.write(Buffer.concat([Buffer.from([0x81, data.length]), data]));
}
