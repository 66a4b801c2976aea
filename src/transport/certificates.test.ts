import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { createAuthority, issueCertificate } from "./certificates.ts";

const host = { name: "h1", addresses: ["127.0.0.1", "10.88.0.1", "h1.lan"] };

test("a certificate names the host and its addresses, for both ends of a connection", async () => {
  const authority = await createAuthority();
  const issued = new X509Certificate((await issueCertificate(authority, host)).certificate);
  expect(issued.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  expect(issued.checkIP("10.88.0.1")).toBe("10.88.0.1");
  expect(issued.checkHost("h1")).toBe("h1");
  expect(issued.checkHost("h2")).toBeUndefined();
  expect(issued.ca).toBe(false);
  expect(issued.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
  expect(issued.subject).toBe("CN=h1");
});

test("it is valid from before its issue, for at least four years", async () => {
  const now = new Date("2030-01-02T03:04:05Z");
  const { certificate } = await issueCertificate(await createAuthority(now), host, now);
  const issued = new X509Certificate(certificate);
  expect(issued.validFromDate.getTime()).toBeLessThan(now.getTime());
  expect(issued.validToDate.getUTCFullYear()).toBeGreaterThanOrEqual(2034);
});

test("agents of one authority authenticate each other over TLS; one of another authority is refused", async () => {
  const [ours, theirs] = [await createAuthority(), await createAuthority()];
  const server = await issueCertificate(ours, host);
  const listener = createServer(
    { cert: server.certificate, key: server.key, ca: ours.certificate, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.end(socket.getPeerCertificate().subject.CN),
  );
  listener.on("tlsClientError", () => {});
  await once(listener.listen(0, "127.0.0.1"), "listening");
  const { port } = listener.address() as AddressInfo;
  const call = (cert: { certificate: string; key: string }) =>
    connect({ port, host: "127.0.0.1", cert: cert.certificate, key: cert.key, ca: ours.certificate });
  expect(await answer(call(await issueCertificate(ours, { name: "h2", addresses: [] })))).toBe("h2");
  // In TLS 1.3 a client learns only by the end of the connection that it was refused.
  const stranger = await issueCertificate(theirs, { name: "h2", addresses: [] });
  expect(await answer(call(stranger)).catch(() => "")).toBe("");
  listener.close();
});

async function answer(socket: TLSSocket): Promise<string> {
  let text = "";
  for await (const part of socket.setEncoding("utf8")) text += part;
  return text;
}
