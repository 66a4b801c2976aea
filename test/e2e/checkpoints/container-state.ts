import { expect } from "vitest";
import type { TestLab } from "../support/lab.ts";

/** The id, the process and the start of a container on h1. They change when the container ends and starts again. */
export const startOf = (lab: TestLab, name: string): Promise<string> =>
  lab.on("h1", `docker inspect --format '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}' ${name}`);

/** godwit has nothing under way on h1 and has left nothing there. */
export async function expectNothingLeft(lab: TestLab): Promise<void> {
  expect(await lab.on("h1", "ls -A /var/lib/godwit/pending /run/godwit/images | grep -v '^/' || true")).toBe("");
  expect(await lab.on("h1", "docker ps -a --format '{{.Names}}' | grep godwit || true")).toBe("");
  expect(await lab.on("h1", "find /var/lib/docker -maxdepth 3 -name '*.godwit-*'")).toBe("");
  expect(await lab.on("h1", "pgrep -x criu || true")).toBe("");
}
