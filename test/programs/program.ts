import type { ProgramImage } from "../../src/lab/program-recipes.ts";

/**
 * A program as the world runs it. It runs in the container `program`, which has an address of its own on the LAN, and its client in
 * the container `client` beside it: connections stay over a move.
 */
export interface Program {
  /** Names the row in docs/compatibility.md; letters, digits and hyphens. */
  id: string;
  what: string;
  /** What is checked, for docs/compatibility.md. */
  how: string;
  image: ProgramImage;
  /** What stands between `docker run -d --name program` and the image: the user, mounts, limits. */
  options?: string;
  /** The command in the image. */
  command: string;
  /** A shell command in the container, as root, that succeeds once the program serves. */
  ready: string;
  /** A Python file of the folder `clients` and its arguments; they get the address of the program first. */
  client?: readonly [file: string, ...args: string[]];
  /** Where there is no client: a shell command in the container that prints a number which grows as the program goes on. */
  progress?: string;
  /** A shell command in the container, as root, after all moves, that fails if something is wrong. */
  verify?: string;
}
