import { request } from "node:http";
import type { ProcessId } from "./pid.ts";
import { inHost } from "./state.ts";

export const agentSocket = "/run/godwit/agent.sock";
const dockerSocket = "/run/docker.sock";

/** The version of the Docker daemon in a host; undefined while it does not answer. */
export async function dockerVersion(init: ProcessId): Promise<string | undefined> {
  const body = await get(inHost(init, dockerSocket), "/version");
  return body === undefined ? undefined : (JSON.parse(body).Version as string);
}

export async function agentAnswers(init: ProcessId): Promise<boolean> {
  return (await get(inHost(init, agentSocket), "/v1/health")) !== undefined;
}

// The body of a 200 answer; anything else, also no answer within two seconds, is undefined.
function get(socketPath: string, path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const call = request({ socketPath, path, timeout: 2000, headers: { host: "lab" } }, (answer) => {
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
