import type { Duplex, Readable } from "node:stream";
import type * as z from "zod";
import { GodwitError } from "../contract/errors.ts";
import { issuesOf } from "../contract/name-schemas.ts";
import type { PeerCall, PeerStream, PeerUpload } from "../contract/peer/protocol.ts";
import type { Peer, PeerOptions } from "./peer.ts";

/** Values of the named parts of a path. */
export type PathParams = Readonly<Record<string, string | number>>;

/** Asks another agent, with its answer parsed. @throws what Peer throws, or incompatible-agent for an answer of another form */
export async function callPeer<B extends z.ZodType, A extends z.ZodType>(
  peer: Peer,
  call: PeerCall<B, A>,
  params: PathParams,
  body: z.input<B>,
  options?: PeerOptions,
): Promise<z.output<A>> {
  const answer = await peer.json("POST", fillPath(call.path, params), body, options);
  const parsed = call.answer.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new GodwitError(
    "incompatible-agent",
    `${peer.name} gave an answer of another form to ${call.path}: ${issuesOf(parsed.error)}.`,
    { hint: "Run the same version of godwit on both hosts." },
  );
}

/** Sends a stream to another agent, without a time limit. */
export async function uploadToPeer<Q extends z.ZodObject>(
  peer: Peer,
  upload: PeerUpload<Q>,
  params: PathParams,
  query: z.input<Q>,
  body: Readable,
  options?: PeerOptions,
): Promise<void> {
  const search = new URLSearchParams(query as Record<string, string>).toString();
  await peer.upload(fillPath(upload.path, params) + (search && `?${search}`), body, options);
}

/** Opens a connection in both directions to another agent. The signal covers the set-up alone. */
export function streamToPeer(
  peer: Peer,
  stream: PeerStream,
  params: PathParams,
  options?: PeerOptions,
): Promise<Duplex> {
  return peer.tunnel(fillPath(stream.path, params), options);
}

function fillPath(path: string, params: PathParams): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name] ?? "")));
}
