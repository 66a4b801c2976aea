import type { migrationProtocol } from "../../contract/peer/protocol.ts";
import type { PeerHandlers } from "../../transport/peer-server.ts";
import { arm } from "./arm.ts";
import type { IncomingMigrations } from "./incoming-migrations.ts";
import { bringImage, receiveImage } from "./prepare/image.ts";
import { createContainer, receiveInit } from "./prepare.ts";
import { onMemoryLost, prepareRoot, receiveCriuImages } from "./switchover.ts";
import { openMemory, receiveBlocks, receiveLog, receiveTree } from "./sync.ts";

/** The story of a migration on its destination: what each request of the source does here, in the order of a move. */
export function receiveMigrations(all: IncomingMigrations): PeerHandlers<typeof migrationProtocol> {
  const of = ({ params, peer }: { params: Readonly<Record<string, string>>; peer: string }) =>
    all.find(params.migration ?? "", peer);
  const nothing = () => ({});
  return {
    // preflight
    reserve: ({ body, peer }) => all.reserve({ ...body, source: peer }),
    // prepare
    bringImage: async (request) => bringImage(await of(request), request.body),
    sendImage: async (request) => receiveImage(await of(request), request.stream),
    sendInit: async (request) => receiveInit(await of(request), request.stream),
    async create(request) {
      const m = await of(request);
      return { id: await m.make("create container", () => createContainer(m)) };
    },
    // sync
    tree: async (request) => receiveTree(await of(request), Number(request.params.index), request.stream),
    blocks: async (request) => receiveBlocks(await of(request), Number(request.params.index), request.stream),
    openMemory: async (request) => openMemory(await of(request)),
    // arm
    sendLog: async (request) => receiveLog(await of(request), request.query.suffix, request.stream),
    async arm(request) {
      const m = await of(request);
      return m.make("arm", () => arm(m, request.body)).then(nothing);
    },
    // switchover: by the baton, `offer` leads to `restore`, in switchover.ts
    async filesComplete(request) {
      const m = await of(request);
      return m.make("prepare root", () => prepareRoot(m, request.body)).then(nothing);
    },
    sendCriuImages: async (request) => receiveCriuImages(await of(request), request.stream),
    offer: async (request) => (await of(request)).takeBaton(request.body),
    // run, drain, finish
    pages: async (request) => (await of(request)).memory.take(request.stream),
    baton: ({ params, peer, body }) => all.askBaton(params.migration ?? "", peer, body),
    async memoryLost(request) {
      onMemoryLost(await of(request));
      return {};
    },
    completed: async (request) => (await of(request)).completed(),
  };
}
