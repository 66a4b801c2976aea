import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { eventually } from "../support/wait.ts";

/** The three counters of the tree of processes, as its two files have them. */
export interface Counters {
  /** Parent and child of the C program, both in /root/1. */
  count: number[];
  fork: number[];
  /** The shell script, in /root/2. */
  shell: number[];
}

export type CounterFiles = [one: string, two: string];

/** A flag of `startTree`: the shell script counts faster than once a second. */
export const brisk = "-e PAUSE=0.2";

/** Makes the image `tree`: its programs are written and compiled inside a running container, which is committed. */
export async function makeTreeImage(lab: TestLab, host: string): Promise<void> {
  const source = readFileSync(join(import.meta.dirname, "../support/sources/forking-counter.c"), "utf8");
  await lab.on(host, "docker run --pull never -d --name workshop gcc sleep 600");
  const write = (path: string, text: string) =>
    lab.on(host, `docker exec -i workshop sh -c 'cat >${path}; chmod 755 ${path}'`, text);
  await write("/root/app.c", source);
  await lab.on(host, "docker exec workshop gcc -o /root/app /root/app.c");
  await write(
    "/root/script",
    '#!/bin/sh\ni=0\nwhile true; do echo "count:$i" >> /root/2; i=$((i+1)); sleep $PAUSE; done\n',
  );
  await write("/etc/rc.local", "#!/bin/bash\n/root/app &\n/root/script &\n/bin/bash\n");
  await lab.on(host, "docker commit workshop tree && docker rm -f workshop");
}

export async function startTree(lab: TestLab, host: string, name: string, flags = ""): Promise<void> {
  await lab.on(host, `docker run --pull never -id -h test --name ${name} ${flags} tree /etc/rc.local`);
  await treeCountsOn(lab, host, name, 2);
}

/** Both files, whether the container runs or not. */
export async function readFiles(lab: TestLab, host: string, name: string): Promise<CounterFiles> {
  const read = (file: string) => lab.on(host, `docker cp ${name}:/root/${file} - | tar -xO`);
  return [await read("1"), await read("2")];
}

/** Reads the counters; a line that is neither of the three is a failure. */
export function counters([one, two]: CounterFiles): Counters {
  const pick = (text: string, label: string) =>
    text.split("\n").flatMap((line) => (line.startsWith(`${label}:`) ? [Number(line.slice(label.length + 1))] : []));
  const found = { count: pick(one, "count"), fork: pick(one, "fork"), shell: pick(two, "count") };
  const lines = `${one}\n${two}`.split("\n").filter(Boolean).length;
  expect(found.count.length + found.fork.length + found.shell.length).toBe(lines);
  return found;
}

/** None of the three counters lacks or repeats a number. */
export function expectWhole(files: CounterFiles): Counters {
  const found = counters(files);
  for (const numbers of Object.values(found)) expect(numbers).toEqual(numbers.map((_: number, i: number) => i));
  return found;
}

/** Waits until all three counters have gone on by `more`, and gives the files, which must be whole. */
export async function treeCountsOn(lab: TestLab, host: string, name: string, more = 2): Promise<CounterFiles> {
  const read = async () => counters(await readFiles(lab, host, name).catch((): CounterFiles => ["", ""]));
  const before = await read();
  await eventually(`all counters of ${name} on ${host} go on by ${more}`, async () => {
    const now = await read();
    const on = (["count", "fork", "shell"] as const).every((key) => now[key].length >= before[key].length + more);
    return on || undefined;
  });
  const files = await readFiles(lab, host, name);
  expectWhole(files);
  return files;
}
