import { request } from "node:http";
import type { Reach } from "../reach.ts";

/** The version of the Docker daemon in a host; undefined while it does not answer. */
export async function dockerVersion(host: Reach): Promise<string | undefined> {
  const body = await get(host.socket("docker"), "/version");
  return body === undefined ? undefined : (JSON.parse(body).Version as string);
}

export async function agentAnswers(host: Reach): Promise<boolean> {
  return (await get(host.socket("agent"), "/v1/health")) !== undefined;
}

// The body of an answer with status 200; undefined for any other status, any error, and no answer within ten seconds.
function get(socketPath: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: 10_000, headers: { host: "lab" } }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? body : undefined));
      answer.on("error", () => resolve(undefined));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(undefined));
    call.end();
  });
}
