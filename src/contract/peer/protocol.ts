import * as z from "zod";
import { checkpointName, containerId, containerName, contentDigest, logSuffix } from "../name-schemas.ts";
import { runResult } from "../routes.ts";
import { apiPrefix } from "../version.ts";
import {
  armOrder,
  batonAnswer,
  batonOffer,
  batonQuestion,
  filesComplete,
  imageAnswer,
  imageQuestion,
  memoryTicket,
  reservation,
  reserveRequest,
  wantedImage,
} from "./messages.ts";

/*
 * What an agent asks of another agent: one table, parsed on both sides. `protocol` in version.ts is its version; raise it with every
 * change that an older agent would misread. Paths have the parameters of `:name`; every call fails with an ErrorReport.
 */

/** A JSON body and a JSON answer. */
export interface PeerCall<B extends z.ZodType = z.ZodType, A extends z.ZodType = z.ZodType> {
  kind: "call";
  path: string;
  body: B;
  answer: A;
  /** Of the body, in bytes. */
  limit: number;
}

/** A stream of bytes; what describes it stands in the query. */
export interface PeerUpload<Q extends z.ZodObject = z.ZodObject> {
  kind: "upload";
  path: string;
  query: Q;
}

/** A connection in both directions. */
export interface PeerStream {
  kind: "stream";
  path: string;
}

const mib = 2 ** 20;
const path = (rest: string) => `${apiPrefix}/peer/${rest}`;
const call = <B extends z.ZodType, A extends z.ZodType>(
  rest: string,
  body: B,
  answer: A,
  limit = mib,
): PeerCall<B, A> => ({ kind: "call", path: path(rest), body, answer, limit });
const upload = <Q extends z.ZodObject>(rest: string, query: Q): PeerUpload<Q> => ({
  kind: "upload",
  path: path(rest),
  query,
});
const stream = (rest: string): PeerStream => ({ kind: "stream", path: path(rest) });

const nothing = z.object({});
const transfer = z.uuid();

/** Of one migration, in the order of a move: the source asks, the destination answers. */
export const migrationProtocol = {
  // preflight
  reserve: call("migrations", reserveRequest, reservation, 16 * mib),
  // prepare
  bringImage: call("migrations/:migration/image-question", imageQuestion, imageAnswer),
  sendImage: upload("migrations/:migration/image", nothing),
  sendInit: upload("migrations/:migration/init", nothing),
  create: call("migrations/:migration/create", nothing, z.object({ id: containerId })),
  // sync
  tree: stream("migrations/:migration/trees/:index"),
  /** Large files of the same tree (runtime/blocks/). */
  blocks: stream("migrations/:migration/blocks/:index"),
  /** A connection with its own TLS follows (runtime/memory/). */
  openMemory: call("migrations/:migration/memory", nothing, memoryTicket),
  // arm
  sendLog: upload("migrations/:migration/log", z.object({ suffix: logSuffix })),
  arm: call("migrations/:migration/arm", armOrder, nothing),
  // switchover
  filesComplete: call("migrations/:migration/files-complete", filesComplete, nothing, 16 * mib),
  /** One after another; see sendFiles. */
  sendCriuImages: upload("migrations/:migration/criu-images", nothing),
  /** Answered when the container runs, or when the destination has returned it. A tree of thousands of processes has tens of MiB. */
  offer: call("migrations/:migration/offer", batonOffer, batonAnswer, 256 * mib),
  // run, drain
  pages: stream("migrations/:migration/pages"),
  baton: call("migrations/:migration/baton", batonQuestion, batonAnswer),
  /** The source has lost the memory that it served. */
  memoryLost: call("migrations/:migration/lost", nothing, nothing),
  /** Answered when the destination needs nothing more, or after a while without news. */
  completed: call("migrations/:migration/completed", nothing, batonAnswer),
};

/** Checkpoints on their way to another host: with a container that moved, or for a clone there. */
export const historyProtocol = {
  /** `layers`: of a missing image, those that the sender can leave out. */
  checkImage: call("images/check", wantedImage, z.object({ present: z.boolean(), layers: z.array(contentDigest) })),
  loadImage: upload("images", nothing),
  /** Its files come in a stream that names the same transfer. */
  keepCheckpoint: call("checkpoints", z.object({ container: containerName, name: checkpointName, transfer }), nothing),
  clone: call("clones", z.object({ name: containerName, image: wantedImage, transfer }), runResult),
  checkpointFiles: stream("checkpoint-files/:transfer"),
};

export type PeerProtocol = Record<string, PeerCall | PeerUpload | PeerStream>;
