import { expect } from "vitest";
import type { TestLab } from "../support/lab.ts";

/** The refusal of a container that cannot move, with a sentence that matches. */
export const unsupported = (message: RegExp) => ({
  ...{ code: "unsupported-container", exit: 5 },
  message: expect.stringMatching(message),
});

interface Listed {
  host: string;
  containers: { name: string; obstacles: { level: string; message: string }[] }[];
}

/** What `godwit ps` says against moving a container. */
export async function obstaclesOf(lab: TestLab, host: string, name: string): Promise<string[]> {
  const hosts = await lab.json<Listed[]>("ps");
  const found = hosts.find((each) => each.host === host)?.containers.find((each) => each.name === name);
  return found?.obstacles.map(({ message }) => message) ?? ["not listed"];
}
