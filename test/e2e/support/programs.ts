import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestLab } from "./lab.ts";

/** Makes the image `programs`: busybox, with the named C programs of the folder `sources` in /bin. Needs the images gcc and busybox. */
export async function makePrograms(lab: TestLab, host: string, names: string[]): Promise<void> {
  await lab.on(
    host,
    "docker run --pull never -d --name workshop gcc sleep 600 && docker create --pull never --name shelf busybox",
  );
  for (const name of names) {
    const source = readFileSync(join(import.meta.dirname, `sources/${name}.c`), "utf8");
    await lab.on(host, `docker exec -i workshop gcc -O2 -static -x c -o /tmp/${name} -`, source);
    await lab.on(host, `docker cp workshop:/tmp/${name} - | docker cp - shelf:/bin`);
  }
  await lab.on(host, "docker commit shelf programs && docker rm -f workshop shelf");
}
