import { type ClientRequest, type IncomingMessage, request as plainRequest, type RequestOptions } from "node:http";
import { request as tlsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { errorReport } from "../contract/error-report.ts";
import { errorFromReport, GodwitError } from "../contract/errors.ts";
import { protocol, version } from "../contract/version.ts";

/** Headers that tell an agent which protocol the other agent, or a command, uses. */
export const protocolHeader = "godwit-protocol";
export const versionHeader = "godwit-version";
export const versionHeaders = { [protocolHeader]: String(protocol), [versionHeader]: version };

export interface Exchange {
  method: string;
  path: string;
  headers?: Record<string, string> | undefined;
  /** A value other than text, Buffer or stream is sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Sends a request and resolves to the answer with its body unread. Errors of the connection reject as they are. */
export async function exchange(options: RequestOptions, wanted: Exchange): Promise<IncomingMessage> {
  const { body, headers } = encode(wanted.body);
  wanted.signal?.throwIfAborted();
  const request = (options.protocol === "https:" ? tlsRequest : plainRequest)({
    ...options,
    method: wanted.method,
    path: wanted.path,
    headers: { ...versionHeaders, ...headers, ...wanted.headers },
    ...(wanted.signal ? { signal: wanted.signal } : {}),
  });
  const answer = responseOf(request, wanted.signal);
  if (body instanceof Readable) {
    // The other side may refuse before the stream ends. Its answer has come first, so the broken pipe changes nothing.
    pipeline(body, request).catch((error) => request.destroy(error));
  } else request.end(body);
  return answer;
}

/** Reads a JSON answer. @throws the GodwitError that the other side answered with */
export async function readJson(response: IncomingMessage): Promise<unknown> {
  const text = await readText(response);
  const value = parse(text);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return value;
  const report = errorReport.safeParse((value as { error?: unknown } | undefined)?.error);
  if (report.success) throw errorFromReport(report.data);
  throw new GodwitError("incompatible-agent", `The answer ${status} is not one of an agent.`, {
    hint: "Something else listens there, or an agent of another version.",
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // Text that is not JSON comes from another program: readJson says so by the status, and a schema by the missing value.
    return undefined;
  }
}

function encode(body: unknown): { body: string | Buffer | Readable | undefined; headers: Record<string, string> } {
  if (body === undefined) return { body, headers: {} };
  if (body instanceof Readable) return { body, headers: {} };
  const raw = typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type = Buffer.isBuffer(body) ? "application/octet-stream" : "application/json";
  return { body: raw, headers: { "content-type": type, "content-length": String(Buffer.byteLength(raw)) } };
}

function responseOf(request: ClientRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    // The listener stays: an error without one ends the agent. One that comes after the answer's head reaches the reader of
    // the answer.
    request.on("error", (error) => reject(signal?.aborted ? signal.reason : error));
  });
}
