import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { runInHost } from "../inside-lab.ts";
import type { TestLab } from "../lab.ts";

/** All files of a container, as lines of the program `manifest`: one for each entry. */
export interface Manifests {
  /** As the container sees its root and its volume. */
  inside: string[];
  /** As the host has the writable layer, with what overlay notes in it, and the volume. */
  outside: string[];
}

/**
 * Puts the program `manifest` on the hosts, and makes the image `kinds` on the first of them: the programs `manifest` and `filekinds`,
 * and a tree with files of every kind in /lower. Trees that its containers make have a file that is one hole of `largestHole` bytes.
 * Needs the image busybox.
 */
export async function makeFileKindsImage(lab: TestLab, hosts: string[], largestHole: number): Promise<void> {
  const [first = ""] = hosts;
  for (const host of hosts) await putProgram(lab, host, "manifest");
  await putProgram(lab, first, "filekinds", `-DLARGEST_HOLE=${largestHole}`);
  await lab.on(
    first,
    [
      "docker run --pull never --name shelf -v /usr/local/bin:/from:ro busybox cp /from/filekinds /from/manifest /bin",
      "docker commit shelf kinds",
      "docker run --pull never --cap-add SYS_ADMIN --name stock kinds sh -c 'IMAGE=1 filekinds make /lower'",
      "docker commit stock kinds",
      "docker rm shelf stock",
    ].join(" && "),
  );
}

/** Compiles a program here and puts it on a host. It is linked statically, so it runs on every host and in every container. */
async function putProgram(lab: TestLab, host: string, name: string, ...flags: string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "godwit-program-"));
  try {
    const file = join(folder, name);
    const source = join(import.meta.dirname, `${name}.c`);
    execFileSync("cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-static", ...flags, "-o", file, source]);
    const put = `cat >/usr/local/bin/${name} && chmod 755 /usr/local/bin/${name}`;
    const { status, stderr } = await runInHost(lab.name, host, put, { input: { file } });
    if (status !== 0) throw new Error(`${name} cannot be put on ${host}: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Starts a container of the image `kinds`, which counts. It has three trees with files of every kind: /kinds in its writable layer,
 * /v/kinds in a volume, and /lower, which was in its image and is changed in all ways. In each of the first two it holds a deleted
 * file open and listens on a socket.
 */
export async function startFileKinds(lab: TestLab, host: string, name: string): Promise<void> {
  const make = "filekinds make /kinds /v/kinds && filekinds change /lower && exec filekinds hold /kinds /v/kinds";
  // CAP_SYS_ADMIN lets it set trusted.* and security.* attributes.
  await lab.on(
    host,
    `docker run --pull never -d --name ${name} --cap-add SYS_ADMIN -v ${name}-files:/v kinds sh -c '${make}'`,
  );
}

/** Changes the trees /kinds and /v/kinds of `startFileKinds` in all ways, and makes /lower anew. */
export const changeEverything = (lab: TestLab, host: string, name: string) =>
  lab.on(
    host,
    `docker exec ${name} sh -c 'filekinds change /kinds /v/kinds && rm -r /lower && IMAGE=1 filekinds make /lower && rm -r /root && touch /bin/new'`,
  );

export async function manifestsOf(lab: TestLab, host: string, name: string): Promise<Manifests> {
  const look = [
    `pid=$(docker inspect -f '{{.State.Pid}}' ${name})`,
    "layer=$(sed -n 's/.* \\/ \\/ .*upperdir=\\([^,]*\\).*/\\1/p' /proc/$pid/mountinfo)",
    "cd /var/lib/docker/overlay2 2>/dev/null",
    `manifest layer="$layer" v=$(docker inspect -f '{{range .Mounts}}{{.Source}}{{end}}' ${name})`,
  ].join("; ");
  const lines = async (script: string) => (await lab.on(host, script)).split("\n").filter(isComparable);
  return { inside: await lines(`docker exec ${name} manifest root=/ v=/v`), outside: await lines(look) };
}

/**
 * False for an entry that Docker or CRIU makes anew. Docker makes a few entries for each container, below its writable layer. CRIU
 * makes the name of a listening socket again and, for a moment, that of a deleted open file, both in `live`, and a folder in /tmp
 * while it dumps. Each time their parent folder gets another time.
 */
function isComparable(line: string): boolean {
  return !/^(root\/(\.dockerenv|etc|etc\/mtab) |(root|layer)\/tmp folder|\S+\/kinds\/live(\/socket)? )/.test(line);
}

/** Fails with the lines that only one of the two has; - is missing, + is new. */
export function expectSame(found: Manifests, expected: Manifests): void {
  for (const where of ["inside", "outside"] as const) {
    const [is, was] = [new Set(found[where]), new Set(expected[where])];
    const differences = [
      ...expected[where].filter((line) => !is.has(line)).map((line) => `- ${where} ${line}`),
      ...found[where].filter((line) => !was.has(line)).map((line) => `+ ${where} ${line}`),
    ];
    expect(differences.map((line) => line.slice(0, 400))).toEqual([]);
    expect(found[where].length).toBeGreaterThan(500);
  }
}
