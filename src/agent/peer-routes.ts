import type { Readable } from "node:stream";
import type { FastifyInstance } from "fastify";
import * as z from "zod";
import type { CheckpointDeps } from "../checkpoint/deps.ts";
import { ArrivingStreams } from "../checkpoint/store/transfer.ts";
import { errorFromReport } from "../contract/errors.ts";
import { armOrder, batonOffer, filesComplete, imageQuestion, migrationOffer } from "../contract/migration.ts";
import { imageFileName, logSuffix } from "../contract/name-schemas.ts";
import { checkName } from "../contract/names.ts";
import { keepInit } from "../host/container/docker-init.ts";
import type { Arrivals } from "../migration/destination/arrivals.ts";
import { checkImage, historyPaths, receiveCheckpoint, receiveClone, wantedImage } from "../migration/history.ts";
import { peerPaths } from "../migration/peer-paths.ts";
import type { Operations } from "../operations/operations.ts";
import { joinStreams } from "../transport/streams.ts";
import type { TunnelRegistry } from "../transport/tunnels.ts";

/** Memory images beside the pages come with the offer; a tree of thousands of processes has some tens of MiB. */
const offerLimit = 256 * 2 ** 20;
const inspectLimit = 16 * 2 ** 20;

/**
 * Routes that only other agents may call. `request.peer` is the name of the host that asks; a body of type
 * application/octet-stream arrives as a Readable in `request.body`.
 */
export function registerPeerRoutes(
  app: FastifyInstance,
  { arrivals, history, operations, tunnels }: PeerRoutesDeps,
): void {
  registerArrivals(app, arrivals, tunnels);
  registerHistory(app, history, operations, tunnels);
}

export interface PeerRoutesDeps {
  arrivals: Arrivals;
  history: CheckpointDeps;
  operations: Operations;
  tunnels: TunnelRegistry;
}

const checkpointQuery = z.object({ container: z.string(), name: z.string(), transfer: z.string() });
const cloneQuery = z.object({ name: z.string(), image: z.string(), transfer: z.string() });

function registerHistory(
  app: FastifyInstance,
  history: CheckpointDeps,
  operations: Operations,
  tunnels: TunnelRegistry,
): void {
  const { engine } = history.host;
  const arriving = new ArrivingStreams();
  tunnels.on(historyPaths.files(":transfer"), (stream, { transfer = "" }) => arriving.keep(transfer, stream));
  app.post(historyPaths.imageCheck, (request) => checkImage(history.host, wantedImage.parse(request.body)));
  app.post(historyPaths.image, async (request) => {
    await engine.loadImages(request.body as Readable);
    return {};
  });
  app.post(historyPaths.checkpoint, async (request) => {
    const { container, name, transfer } = checkpointQuery.parse(request.query);
    await receiveCheckpoint(
      history,
      checkName("container", container),
      checkName("checkpoint", name),
      arriving.take(transfer),
    );
    return {};
  });
  app.post(historyPaths.clone, async (request) => {
    const { name, image, transfer } = cloneQuery.parse(request.query);
    const wanted = wantedImage.parse(JSON.parse(image));
    const files = arriving.take(transfer);
    const { id } = operations.start(
      { kind: "clone", container: checkName("container", name), cancellable: false },
      (context) => receiveClone(history, name, wanted, files, context),
    );
    const ended = await operations.wait(id);
    if (ended.error) throw errorFromReport(ended.error);
    return ended.result;
  });
}

function registerArrivals(app: FastifyInstance, arrivals: Arrivals, tunnels: TunnelRegistry): void {
  const find = (request: { params: unknown; peer: string }) => arrivals.find(idOf(request.params), request.peer);

  app.post(peerPaths.reserve, { bodyLimit: inspectLimit }, (request) => {
    const offer = migrationOffer.parse(request.body);
    return arrivals.reserve({ ...offer, source: request.peer });
  });
  app.post(peerPaths.imageQuestion(":id"), (request) =>
    find(request).work.image.bring(imageQuestion.parse(request.body)),
  );
  app.post(peerPaths.image(":id"), async (request) => {
    await find(request).work.image.receive(request.body as Readable);
    return {};
  });
  app.post(peerPaths.init(":id"), async (request) => {
    find(request).work.init = await keepInit(request.body as Readable);
    return {};
  });
  app.post(peerPaths.create(":id"), async (request) => {
    const arrival = find(request);
    return { id: await arrival.make("create container", () => arrival.work.create()) };
  });
  app.post(peerPaths.log(":id"), async (request) => {
    const { suffix } = z.object({ suffix: logSuffix }).parse(request.query);
    await find(request).work.writeLog(suffix, request.body as Readable);
    return {};
  });
  app.post(peerPaths.arm(":id"), async (request) => {
    const arrival = find(request);
    const order = armOrder.parse(request.body);
    await arrival.make("arm", () => arrival.work.arm(order));
    return {};
  });
  app.post(peerPaths.filesComplete(":id"), async (request) => {
    const arrival = find(request);
    const { descriptors } = filesComplete.parse(request.body);
    await arrival.make("ready root", () => arrival.work.readyRoot(descriptors));
    return {};
  });
  app.post(peerPaths.criuImage(":id"), async (request) => {
    const { name } = z.object({ name: imageFileName }).parse(request.query);
    await find(request).work.receiveImageFile(name, request.body as Readable);
    return {};
  });
  app.post(peerPaths.offer(":id"), { bodyLimit: offerLimit }, (request) =>
    find(request).offered(batonOffer.parse(request.body)),
  );
  app.post(peerPaths.baton(":id"), (request) => {
    const asked = z.object({ revoke: z.boolean(), forced: z.boolean() }).parse(request.body);
    return arrivals.word(idOf(request.params), request.peer, asked);
  });
  app.post(peerPaths.lost(":id"), async (request) => {
    find(request).work.lose();
    return {};
  });
  app.post(peerPaths.completed(":id"), (request) => find(request).completed());

  tunnels.on(peerPaths.tree(":id", ":index"), async (stream, params, peer) => {
    await joinStreams(stream, await arrivals.find(params.id ?? "", peer).work.tree(Number(params.index)));
  });
  tunnels.on(peerPaths.pages(":id"), async (stream, params, peer) => {
    await arrivals.find(params.id ?? "", peer).takePages(stream);
  });
}

function idOf(params: unknown): string {
  return z.object({ id: z.string() }).parse(params).id;
}
