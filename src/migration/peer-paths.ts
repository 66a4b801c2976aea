import { apiPrefix } from "../contract/version.ts";

/** Paths of the protocol between the two agents of a migration; source asks, destination answers. */
export const peerPaths = {
  reserve: `${apiPrefix}/peer/migrations`,
  imageQuestion: (id: string) => `${apiPrefix}/peer/migrations/${id}/image-question`,
  image: (id: string) => `${apiPrefix}/peer/migrations/${id}/image`,
  init: (id: string) => `${apiPrefix}/peer/migrations/${id}/init`,
  create: (id: string) => `${apiPrefix}/peer/migrations/${id}/create`,
  tree: (id: string, index: number | string) => `${apiPrefix}/peer/migrations/${id}/trees/${index}`,
  log: (id: string) => `${apiPrefix}/peer/migrations/${id}/log`,
  filesComplete: (id: string) => `${apiPrefix}/peer/migrations/${id}/files-complete`,
  arm: (id: string) => `${apiPrefix}/peer/migrations/${id}/arm`,
  pages: (id: string) => `${apiPrefix}/peer/migrations/${id}/pages`,
  criuImage: (id: string) => `${apiPrefix}/peer/migrations/${id}/criu-image`,
  offer: (id: string) => `${apiPrefix}/peer/migrations/${id}/offer`,
  baton: (id: string) => `${apiPrefix}/peer/migrations/${id}/baton`,
  lost: (id: string) => `${apiPrefix}/peer/migrations/${id}/lost`,
  completed: (id: string) => `${apiPrefix}/peer/migrations/${id}/completed`,
};
