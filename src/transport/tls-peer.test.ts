import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createPlainServer } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type ErrorReport, GodwitError } from "../contract/errors.ts";
import { type Authority, createAuthority, issueCertificate } from "./certificates.ts";
import { versionHeaders } from "./http.ts";
import { Tickets } from "./tickets.ts";
import { type Credentials, peerName } from "./tls.ts";
import { TlsPeer } from "./tls-peer.ts";
import { listenTls, type TlsListener } from "./tls-server.ts";
import { TunnelRegistry } from "./tunnels.ts";

let authority: Authority;
let h1: Credentials;
let h2: Credentials;
let listener: TlsListener;
let port: number;
let handshakes = 0;
const refused: string[] = [];
const failed: string[] = [];
const tickets = new Tickets();
const tunnels = new TunnelRegistry((path, error) => failed.push(`${path}: ${error}`));
const peers: TlsPeer[] = [];

async function credentials(of: Authority, name: string): Promise<Credentials> {
  const issued = await issueCertificate(of, { name, addresses: ["127.0.0.1"] });
  return { ca: authority.certificate, cert: issued.certificate, key: issued.key };
}

function peer(name: string, own: Credentials, address = `127.0.0.1:${port}`): TlsPeer {
  const made = new TlsPeer(name, address, own);
  peers.push(made);
  return made;
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "no error",
    (error) => (error instanceof GodwitError ? error.code : error),
  );

beforeAll(async () => {
  authority = await createAuthority();
  [h1, h2] = await Promise.all([credentials(authority, "h1"), credentials(authority, "h2")]);
  const server = createServer(async (request, response) => {
    const answer = (status: number, value: unknown) =>
      response.writeHead(status, versionHeaders).end(JSON.stringify(value));
    if (request.url === "/v1/who") answer(200, { peer: peerName(request.socket, ["h1"]) });
    else if (request.url === "/v1/size") answer(200, { size: (await buffer(request)).length });
    else if (request.url === "/v1/refuse")
      answer(409, { error: { code: "name-taken", message: "It is there.", hint: "Rename." } });
    else if (request.url === "/v1/old")
      response.writeHead(200, { "godwit-protocol": "0", "godwit-version": "0.0.9" }).end("{}");
    else if (request.url === "/v1/mute") request.resume();
    else if (request.url === "/v1/bytes") response.writeHead(200, versionHeaders).end(Buffer.alloc(300_000, 1));
    else if (request.url === "/v1/broken") {
      response.writeHead(200, { ...versionHeaders, "content-length": "1000" });
      response.write("half", () => response.destroy());
    }
  });
  server.on("connection", () => {
    handshakes += 1;
  });
  tunnels.bind(server, (request) => peerName(request.socket, ["h1"]));
  tunnels.on("/v1/echo/:word", (stream, params, from) => {
    stream.write(`${from} ${params.word}:`);
    stream.pipe(stream);
  });
  tunnels.on("/v1/cut", (stream) => {
    stream.destroy();
  });
  const onRefused = (_from: string, report: ErrorReport) => refused.push(report.message);
  listener = await listenTls({
    credentials: h2,
    hosts: ["h1"],
    host: "127.0.0.1",
    port: 0,
    http: server,
    tickets,
    onRefused,
  });
  port = listener.port;
});

afterEach(() => {
  for (const made of peers.splice(0)) made.close();
});

afterAll(() => listener.close());

test("both sides know each other by name, over one kept connection", async () => {
  const to = peer("h2", h1);
  const before = handshakes;
  for (let i = 0; i < 5; i += 1) expect(await to.json("GET", "/v1/who")).toEqual({ peer: "h1" });
  expect(handshakes - before).toBe(1);
});

test("an upload arrives whole, and so does an answer", async () => {
  const to = peer("h2", h1);
  const chunks = Array.from({ length: 50 }, () => Buffer.alloc(100_000, 7));
  expect(await to.upload("/v1/size", Readable.from(chunks))).toEqual({ size: 5_000_000 });
  expect((await buffer(await to.request("GET", "/v1/bytes"))).length).toBe(300_000);
});

test("an upload whose source breaks says so itself", async () => {
  const source = new Readable({ read: () => {} });
  source.push(Buffer.alloc(10));
  const result = peer("h2", h1).upload("/v1/size", source);
  setImmediate(() => source.destroy(new Error("disk gone")));
  await expect(result).rejects.toThrow("disk gone");
});

test("what the other agent refuses arrives as its own error", async () => {
  const refused = peer("h2", h1).json("POST", "/v1/refuse", { a: 1 });
  await expect(refused).rejects.toMatchObject({ code: "name-taken", message: "It is there.", hint: "Rename." });
});

test("a broken answer is never an early end", async () => {
  expect(await codeOf(peer("h2", h1).json("GET", "/v1/broken"))).toBe("transfer-failed");
});

test("an agent of another protocol is refused", async () => {
  expect(await codeOf(peer("h2", h1).json("GET", "/v1/old"))).toBe("incompatible-agent");
});

test("nobody there, nobody answering, somebody else there", async () => {
  const plain = createPlainServer((socket) =>
    socket
      .on("error", () => {})
      .resume()
      .end("hello, this is no agent\n"),
  );
  plain.listen(0, "127.0.0.1");
  await once(plain, "listening");
  const address = `127.0.0.1:${(plain.address() as AddressInfo).port}`;
  expect(await codeOf(peer("h2", h1, address).json("GET", "/v1/who"))).toBe("incompatible-agent");
  plain.close();
  await once(plain, "close");
  const gone = peer("h2", h1, address).json("GET", "/v1/who");
  await expect(gone).rejects.toMatchObject({ code: "agent-unreachable", message: expect.stringContaining(address) });
  const mute = peer("h2", h1).json("GET", "/v1/mute", undefined, { timeoutMs: 20 });
  expect(await codeOf(mute)).toBe("agent-unreachable");
});

test("an abort rejects with its reason", async () => {
  const abort = new AbortController();
  const mute = peer("h2", h1).json("GET", "/v1/mute", undefined, { signal: abort.signal });
  abort.abort(new GodwitError("cancelled", "Enough."));
  expect(await codeOf(mute)).toBe("cancelled");
});

test("a certificate of another host, or of another authority, is not trusted", async () => {
  expect(await codeOf(peer("h3", h1).json("GET", "/v1/who"))).toBe("untrusted-peer");
  const strangers = await createAuthority();
  const stranger = { ...(await credentials(strangers, "h1")), ca: authority.certificate };
  expect(await codeOf(peer("h2", stranger).json("GET", "/v1/who"))).toBe("untrusted-peer");
  const distrusting = { ...h1, ca: strangers.certificate };
  expect(await codeOf(peer("h2", distrusting).json("GET", "/v1/who"))).toBe("untrusted-peer");
});

test("a caller is the host whose name its certificate carries, beside whatever else it carries", async () => {
  const issued = await issueCertificate(authority, { name: "spare", addresses: ["127.0.0.1", "h1"] });
  const caller = { ca: authority.certificate, cert: issued.certificate, key: issued.key };
  expect(await peer("h2", caller).json("GET", "/v1/who")).toEqual({ peer: "h1" });
});

test("a tunnel carries bytes both ways, and each direction ends by itself", async () => {
  const stream = await peer("h2", h1).tunnel("/v1/echo/hello");
  const got = buffer(stream);
  const sent = Buffer.alloc(2_000_000, 3);
  stream.end(sent);
  const all = await got;
  expect(all.subarray(0, 9).toString()).toBe("h1 hello:");
  expect(all.subarray(9).equals(sent)).toBe(true);
});

test("a tunnel's handler gets the named parts of the path and its query, decoded", async () => {
  tunnels.on("/v1/parts/:one/:two", (stream, params) => {
    stream.resume().once("end", () => stream.end(JSON.stringify(params)));
  });
  const stream = await peer("h2", h1).tunnel("/v1/parts/a%2Fb/2?suffix=.1%20x");
  stream.end();
  expect(JSON.parse((await buffer(stream)).toString())).toEqual({ one: "a/b", two: "2", suffix: ".1 x" });
});

test("a tunnel that the other side destroys does not look as if it had ended", async () => {
  const stream = await peer("h2", h1).tunnel("/v1/cut");
  stream.resume();
  expect(await once(stream, "error")).toMatchObject([{ code: "ECONNRESET" }]);
});

test("a tunnel that is destroyed here breaks there", async () => {
  const broken = new Promise((resolve) => {
    tunnels.on("/v1/watch", (stream) => {
      stream.resume().on("error", resolve);
    });
  });
  const stream = await peer("h2", h1).tunnel("/v1/watch");
  stream.destroy();
  expect(await broken).toMatchObject({ code: "ECONNRESET" });
});

test("a tunnel whose handler fails breaks, and the failure is reported", async () => {
  tunnels.on("/v1/fails", () => Promise.reject(new Error("disk gone")));
  const stream = await peer("h2", h1).tunnel("/v1/fails");
  stream.resume();
  expect(await once(stream, "error")).toMatchObject([{ code: "ECONNRESET" }]);
  expect(failed).toEqual(["/v1/fails: Error: disk gone"]);
});

test("a tunnel that nobody serves, or that a stranger asks for, is refused with a reason", async () => {
  for (const path of ["/v1/nothing", "/v1/echo", "/v1/echo/one/two", "/v1/echo/%zz"])
    expect(await codeOf(peer("h2", h1).tunnel(path))).toBe("usage");
  const h9 = await credentials(authority, "h9");
  expect(await codeOf(peer("h2", h9).tunnel("/v1/echo/x"))).toBe("untrusted-peer");
});
