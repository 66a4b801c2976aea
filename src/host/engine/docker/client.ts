import http from "node:http";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { GodwitError } from "../../../contract/errors.ts";

import type { ApiPath } from "./api-path.ts";

/** The newest API version that this client was written against; an older daemon's own is used instead. */
const newestApi = "1.47";
const defaultSocket = "/var/run/docker.sock";

export interface DockerRequest {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  stream?: Readable;
  signal?: AbortSignal | undefined;
}

/** Docker's answer to a request that it refused. */
export class DockerRefusal extends GodwitError {
  readonly status: number;
  constructor(status: number, message: string) {
    super("docker-failed", `Docker says: ${message.replace(/\.?\s*$/, ".")}`);
    this.status = status;
  }
}

/**
 * A thin client of the Docker Engine API over its unix socket. Paths are without the version prefix.
 * Every call throws docker-unreachable where nothing answers, and DockerRefusal (docker-failed) for a status from 300 on.
 */
export class DockerClient {
  readonly #socketPath: string;
  readonly #host: string | undefined;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  #api: Promise<string> | undefined;

  /** @param host name of this host: what goes wrong here may be shown on another */
  constructor(host?: string, socketPath = process.env.DOCKER_HOST?.replace(/^unix:\/\//, "") ?? defaultSocket) {
    this.#host = host;
    this.#socketPath = socketPath;
  }

  async get<T>(path: ApiPath, options: DockerRequest = {}): Promise<T> {
    return this.#read<T>(await this.stream("GET", path, options), options.signal);
  }

  /** Like `get`, but undefined where Docker has no such thing (404). */
  async find<T = unknown>(path: ApiPath): Promise<T | undefined> {
    try {
      return await this.get<T>(path);
    } catch (error) {
      ignoreStatus(404)(error);
      return undefined;
    }
  }

  async post<T = unknown>(path: ApiPath, options: DockerRequest = {}): Promise<T> {
    return this.#read<T>(await this.stream("POST", path, options), options.signal);
  }

  async delete(path: ApiPath, options: DockerRequest = {}): Promise<void> {
    await this.#read(await this.stream("DELETE", path, options));
  }

  /** The answer's body as it comes. */
  async stream(method: string, path: ApiPath, options: DockerRequest = {}): Promise<Readable> {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) query.set(key, String(value));
    const suffix = query.size > 0 ? `?${query}` : "";
    return this.#send(method, `/v${await this.#version()}${path}${suffix}`, options);
  }

  /** A Docker that dies in the middle of an answer is one that does not answer. */
  async #read<T>(stream: Readable, signal?: AbortSignal): Promise<T> {
    const body = await text(stream).catch((error) => {
      // Docker answers a wait in two parts: a request that is given up between them ends like a connection that breaks.
      if (signal?.aborted) throw cancelled();
      throw unreachable(this.#host, this.#socketPath, error);
    });
    return parse<T>(body);
  }

  #version(): Promise<string> {
    this.#api ??= this.#negotiate();
    this.#api.catch(() => {
      this.#api = undefined;
    });
    return this.#api;
  }

  async #negotiate(): Promise<string> {
    const { ApiVersion } = await this.#read<{ ApiVersion: string }>(await this.#send("GET", "/version", {}));
    return olderOf(ApiVersion, newestApi);
  }

  async #send(method: string, path: string, options: DockerRequest): Promise<http.IncomingMessage> {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const request = http.request({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method,
      path,
      ...(options.signal ? { signal: options.signal } : {}),
      headers: {
        host: "docker",
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
        ...(options.stream ? { "content-type": "application/x-tar" } : {}),
      },
    });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      request.once("error", (error) => reject(unreachable(this.#host, this.#socketPath, error)));
    });
    if (options.stream) pipeline(options.stream, request).catch(() => {});
    else request.end(payload);
    const response = await answered;
    // A path that Docker would have asked for in another way is none that it knows; 304 says that nothing was to be done.
    const { statusCode = 500 } = response;
    if (statusCode < 300 || statusCode === 304) return response;
    throw new DockerRefusal(statusCode, messageOf(await text(response)));
  }
}

/** For a catch: what Docker refused with one of these is no failure. */
export function ignoreStatus(...statuses: number[]): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof DockerRefusal && statuses.includes(error.status))) throw error;
  };
}

function unreachable(host: string | undefined, socketPath: string, error: Error): Error {
  if (error.name === "AbortError") return cancelled();
  if ((error as NodeJS.ErrnoException).code === "EACCES") {
    return new GodwitError("not-root", `Docker's socket ${socketPath} may not be used by this user.`, {
      hint: "Run the command as root, for example with sudo.",
      cause: error,
    });
  }
  return new GodwitError(
    "docker-unreachable",
    `The Docker daemon${host ? ` of ${host}` : ""} does not answer on ${socketPath} (${error.message}).`,
    {
      hint: "Start it there (systemctl start docker) and look at its log (journalctl -u docker).",
      cause: error,
    },
  );
}

const cancelled = () => new GodwitError("cancelled", "The request to Docker was cancelled.");

function parse<T>(body: string): T {
  return (body === "" ? undefined : JSON.parse(body)) as T;
}

function messageOf(body: string): string {
  try {
    return (JSON.parse(body) as { message?: string }).message ?? body;
  } catch {
    return body;
  }
}

function olderOf(a: string, b: string): string {
  const [aMajor = 0, aMinor = 0] = a.split(".").map(Number);
  const [bMajor = 0, bMinor = 0] = b.split(".").map(Number);
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor) ? a : b;
}
