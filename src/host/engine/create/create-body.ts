import { type CreateSource, createSource } from "../../../contract/create-source.ts";
import { GodwitError } from "../../../contract/errors.ts";
import { issuesOf } from "../../../contract/name-schemas.ts";
import { mountsOf } from "./create-mounts.ts";
import { endpointsOf, networkModeOf } from "./create-network.ts";
import { type PublishedPort, portsOf } from "./create-ports.ts";

export interface CreateOptions {
  /** Name of the new container; the old one's where it is left out. */
  name?: string;
  /** OCI runtime that Docker starts it with: the runtime hook. */
  runtime: string;
  /** Image reference or id, where it is not the one that the container was created with. */
  imageRef?: string;
  /** Networks whose addresses (IP, MAC) of this instant are asked for, not only those that were configured. */
  keepAddress?: string[];
  /** Ports that Docker chose itself, and that are asked for by number now. */
  keepPorts?: PublishedPort[];
  /** Anonymous volumes become new ones, for their content to be put into, instead of being bound by name. */
  anonymousAnew?: boolean;
  /** Old name of a volume -> name of the copy. */
  volumeRenames?: Record<string, string>;
  /** The original lives on beside it: random host ports, no fixed addresses, no aliases. */
  fresh?: boolean;
}

export interface CreateRequest {
  /** For the query of POST /containers/create. */
  name: string;
  body: CreateBody;
  /** To be given back once the container holds the baton; it is created with `no`. */
  restartPolicy: { Name: string; MaximumRetryCount: number };
  /** Whether it is to be removed when it ends; it is created without. */
  autoRemove: boolean;
}

export interface CreateBody {
  Image: string;
  HostConfig: Record<string, unknown>;
  NetworkingConfig: { EndpointsConfig: Record<string, unknown> };
  [key: string]: unknown;
}

/**
 * The request that makes the same container again from its `docker inspect` (API 1.43 to 1.52). What godwit does not know of
 * passes through. Volumes are bound by their names, anonymous ones too unless they are to become new ones.
 * @throws unsupported-container where the document is not one of `docker inspect`, or has names that are none
 */
export function createBody(inspect: unknown, options: CreateOptions): CreateRequest {
  const container = parsed(inspect);
  const fresh = options.fresh ?? false;
  const { RestartPolicy, AutoRemove } = container.HostConfig;
  return {
    name: options.name ?? container.Name.replace(/^\//, ""),
    body: {
      ...configOf(container),
      Image: options.imageRef ?? container.Config.Image,
      HostConfig: {
        ...withoutForeign(container.HostConfig),
        ...mountsOf(container, options.volumeRenames ?? {}, { anonymousAnew: options.anonymousAnew ?? false }),
        NetworkMode: networkModeOf(container),
        PortBindings: portsOf(container, { fresh, keep: options.keepPorts ?? [] }),
        Runtime: options.runtime,
        RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
        AutoRemove: false,
      },
      NetworkingConfig: {
        EndpointsConfig: endpointsOf(container, { fresh, keepAddress: options.keepAddress ?? [] }),
      },
    },
    restartPolicy: { Name: RestartPolicy?.Name || "no", MaximumRetryCount: RestartPolicy?.MaximumRetryCount ?? 0 },
    autoRemove: AutoRemove ?? false,
  };
}

function parsed(inspect: unknown): CreateSource {
  const { data, error } = createSource.safeParse(inspect);
  if (data) return data;
  throw new GodwitError(
    "unsupported-container",
    `The container cannot be created from its description: ${issuesOf(error)}.`,
    {
      cause: error,
    },
  );
}

/** The host name stays also where Docker derived it from the old id: it is in the memory of the program. */
function configOf({ Config, HostConfig }: CreateSource): Record<string, unknown> {
  // The container-wide MAC address contradicts the endpoint's from API 1.44 on; the endpoint has it.
  const { MacAddress: _, ...config } = Config;
  const result: Record<string, unknown> = { ...config };
  // Null would mean the image's entrypoint; an empty word is how the API says none.
  if (!Config.Entrypoint || Config.Entrypoint.length === 0) result.Entrypoint = [""];
  // Docker refuses a name of its own in a namespace that is not the container's own.
  const joined = HostConfig.NetworkMode?.startsWith("container:") ?? false;
  if (joined || HostConfig.UTSMode === "host") {
    delete result.Hostname;
    delete result.Domainname;
  }
  if (joined) delete result.ExposedPorts;
  return result;
}

/** `ContainerIDFile` is a path of the client that created it; a console size belongs to a terminal that is gone. */
function withoutForeign(hostConfig: CreateSource["HostConfig"]): Record<string, unknown> {
  const { ContainerIDFile: _file, ConsoleSize: _size, ...rest } = hostConfig;
  return rest;
}
