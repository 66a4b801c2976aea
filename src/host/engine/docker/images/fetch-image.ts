import { GodwitError } from "../../../../contract/errors.ts";
import { api } from "../api-path.ts";
import type { DockerClient } from "../client.ts";

/** A registry that says nothing for so long is out of reach. */
const silenceMs = 20_000;

/** An image by its digest (`repository@sha256:...`) from its registry. @throws docker-failed where Docker cannot fetch it */
export async function fetchImage(client: DockerClient, digest: string): Promise<void> {
  const [repository, tag] = digest.split("@");
  const given = new AbortController();
  let answeredAt = performance.now();
  const watch = setInterval(() => {
    if (performance.now() - answeredAt > silenceMs) given.abort();
  }, 1000).unref();
  try {
    const query = { fromImage: repository, tag };
    const answer = await client.stream("POST", api`/images/create`, { query, signal: given.signal });
    let said = "";
    for await (const chunk of answer) {
      answeredAt = performance.now();
      said += chunk;
    }
    const failed = said.split("\n").find((line) => line.includes('"error"'));
    if (failed) throw new GodwitError("docker-failed", `Docker could not fetch ${digest}: ${failed.trim()}.`);
  } finally {
    clearInterval(watch);
  }
}

/** The name that a reference gives to an image; undefined for an id or a digest. */
export function tagOf(reference: string): { repo: string; tag: string } | undefined {
  if (/@|^sha256:|^[0-9a-f]{64}$/.test(reference)) return undefined;
  const [, repo = reference, tag = "latest"] = /^(.*?)(?::([^:/]+))?$/.exec(reference) ?? [];
  return { repo, tag };
}
