import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestLab } from "../../support/lab.ts";
import { compiled } from "../../support/programs.ts";

/** A user that no image knows, as many containers run under. */
export const somebody = "1000:1000";

const inside = join(import.meta.dirname, "../inside");

/**
 * Makes the image `servers`: the lab's image apps, with the programs of the folder `inside` in /opt, those in C compiled, and a
 * random file of so many 10^6 bytes for downloads, /srv/www/large. Needs the image apps.
 * @returns the SHA-256 of that file
 */
export async function makeServers(lab: TestLab, host: string, megabytes: number): Promise<string> {
  await lab.on(
    host,
    "docker run --pull never -d --name bench apps sleep 600 && docker exec bench mkdir -p /opt /srv/www /data /pgdata",
  );
  // Each server finds a folder for its data that is its own.
  await lab.on(host, `docker exec bench chown ${somebody} /data && docker exec bench chown postgres:postgres /pgdata`);
  const files = readdirSync(inside);
  const isC = (file: string) => file.endsWith(".c");
  const programs = await compiled(files.filter(isC).map((file) => join(inside, file)));
  await lab.on(host, "base64 -d | gunzip | docker cp - bench:/opt", programs);
  for (const file of files.filter((each) => !isC(each))) {
    const put = `docker exec -i bench sh -c 'cat >/opt/${file} && chmod +x /opt/${file}'`;
    await lab.on(host, put, readFileSync(join(inside, file), "utf8"));
  }
  const fill = `head -c ${megabytes}MB /dev/urandom >/srv/www/large && echo last >/srv/www/last && sha256sum /srv/www/large`;
  const sum = await lab.on(host, `docker exec bench sh -c '${fill}'`);
  await lab.on(host, "docker commit bench servers && docker rm -f bench");
  return sum.split(" ")[0] ?? "";
}
