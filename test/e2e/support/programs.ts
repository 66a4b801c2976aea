import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";
import type { TestLab } from "./lab.ts";

/** The source of a program that several tests use. */
export const sourceOf = (name: string): string => join(import.meta.dirname, `sources/${name}.c`);

/** Makes the image `programs`: busybox, with the named C programs of the folder `sources` in /bin. Needs the image busybox. */
export async function makePrograms(lab: TestLab, host: string, names: string[]): Promise<void> {
  const programs = await compiled(names.map(sourceOf));
  await lab.on(
    host,
    "docker create --pull never --name shelf busybox && base64 -d | gunzip | docker cp - shelf:/bin && docker commit shelf programs && docker rm shelf",
    programs,
  );
}

/**
 * Compiles C programs on this machine, statically. A host would first have to load an image with a compiler, and in an emulated
 * machine the compiler takes minutes. @returns a tar archive of them, compressed with gzip, in base64
 */
export async function compiled(sources: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-programs-"));
  try {
    const names = sources.map((source) => basename(source, ".c"));
    for (const [i, source] of sources.entries()) {
      const program = join(folder, names[i] ?? "");
      await execa("gcc", ["-O2", "-static", "-pthread", "-x", "c", "-o", program, "-"], {
        input: readFileSync(source),
      });
    }
    const { stdout } = await execa("tar", ["-C", folder, "-cz", ...names], { encoding: "buffer" });
    return Buffer.from(stdout).toString("base64");
  } finally {
    await rm(folder, { recursive: true });
  }
}
