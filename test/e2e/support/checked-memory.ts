import { readLog } from "./docker-api.ts";
import type { TestLab } from "./lab.ts";
import { compiled, sourceOf } from "./programs.ts";
import { eventually } from "./wait.ts";

/** Makes the image `checked-memory` on h1. */
export const makeCheckedMemory = (lab: TestLab): Promise<void> => makeOneProgram(lab, "checked-memory");

/** Makes an image on h1 that has this one program of the folder `sources`. */
export async function makeOneProgram(lab: TestLab, name: string): Promise<void> {
  await lab.on("h1", `base64 -d | gunzip | docker import - ${name}`, await compiled([sourceOf(name)]));
}

/** Starts it with so many MiB, of which it writes so many KiB anew each second, in the first `hot` MiB; see checked-memory.c. */
export async function startCheckedMemory(
  lab: TestLab,
  name: string,
  mebibytes: number,
  kibPerS: number,
  children = 0,
  { flags = "", hot = mebibytes }: { flags?: string; hot?: number } = {},
) {
  const command = `/checked-memory ${mebibytes} ${kibPerS} ${children} ${hot}`;
  await lab.on("h1", `docker run --pull never -d --name ${name} ${flags} checked-memory ${command}`);
  await expectMemoryRight(lab, "h1", name);
}

/** It goes on there, and all that it has looked at was right. */
export async function expectMemoryRight(lab: TestLab, host: string, name: string): Promise<void> {
  const ticks = async () => (await readLog(lab, host, name)).match(/^tick \d+$/gm)?.length ?? 0;
  const before = await ticks();
  await eventually(`${name} goes on on ${host}`, async () => (await ticks()) > before + 1 || undefined);
  const said = await readLog(lab, host, name);
  if (said.includes("CORRUPT")) throw new Error(`The memory of ${name} is not what it was: ${said.slice(-500)}`);
}
