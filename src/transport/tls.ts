import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, checkServerIdentity, TLSSocket, type TlsOptions } from "node:tls";
import { GodwitError } from "../contract/errors.ts";

/** An agent's own certificate and key, and the authority whose certificates it trusts. PEM texts. */
export interface Credentials {
  ca: string;
  cert: string;
  key: string;
}

/** Reads ca.pem, cert.pem and key.pem; undefined where none of them is there. */
export function readCredentials(folder: string): Credentials | undefined {
  const files = ["ca.pem", "cert.pem", "key.pem"].map((name) => join(folder, name));
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length === files.length) return undefined;
  if (missing.length > 0) {
    throw new GodwitError("untrusted-peer", `The agent's keys are incomplete: ${missing.join(" and ")} is missing.`, {
      hint: "'godwit certificates' makes all three files of a host.",
    });
  }
  const [ca = "", cert = "", key = ""] = files.map((file) => readFileSync(file, "utf8"));
  return { ca, cert, key };
}

/**
 * Every caller must show a certificate. `peerName` checks it before anything else is done with the connection: TLS's own
 * refusal would close the connection without a reason.
 */
export function serverTls(credentials: Credentials): TlsOptions & { allowHalfOpen: boolean } {
  return { ...credentials, minVersion: "TLSv1.3", requestCert: true, rejectUnauthorized: false, allowHalfOpen: true };
}

/** The other side's certificate must carry the host's name; its address may change without a new certificate. */
export function clientTls(credentials: Credentials, host: string): ConnectionOptions & { allowHalfOpen: boolean } {
  return { ...credentials, minVersion: "TLSv1.3", rejectUnauthorized: true, servername: host, allowHalfOpen: true };
}

/**
 * Which host a connection that the server accepted comes from: the one whose name its certificate carries.
 * @throws GodwitError untrusted-peer without a valid certificate of the authority for one of the configured hosts
 */
export function peerName(socket: Duplex, hosts: readonly string[]): string {
  if (!(socket instanceof TLSSocket && socket.authorized)) {
    const reason = socket instanceof TLSSocket ? String(socket.authorizationError) : "no TLS";
    throw new GodwitError("untrusted-peer", "This agent does not trust the caller's certificate.", {
      hint: "Give both hosts certificates of one authority with 'godwit certificates'.",
      details: [reason],
    });
  }
  const certificate = socket.getPeerCertificate();
  const name = hosts.find((host) => checkServerIdentity(host, certificate) === undefined);
  if (name !== undefined) return name;
  throw new GodwitError("untrusted-peer", "The caller is not among the hosts of this agent.", {
    hint: 'Add it to "hosts" in this agent\'s configuration, and restart the agent.',
    details: [`its certificate is for ${certificate.subjectaltname ?? "no name"}`],
  });
}
