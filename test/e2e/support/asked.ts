import type { TestLab } from "./lab.ts";

/**
 * A program for `docker run ... busybox sh -c`, in single quotes: it counts, and runs what it is asked (see `ask`) as a child of its
 * own. `begin` is what it does first.
 */
export const askedCommand = (begin = ":"): string =>
  [
    `${begin}; i=0; while true; do echo $i; i=$((i+1));`,
    "if [ -e /ask/question ]; then sh /ask/question >/ask/new 2>&1; rm /ask/question; mv /ask/new /ask/answer; fi;",
    "sleep 0.1; done",
  ].join(" ");

/** What the program needs for it. */
export const askedFlags = "--tmpfs /ask";

/**
 * Has the program of a container run a script. What that sees is what a moved process has; `docker exec` would show what Docker
 * gives to a new one. @returns its output and errors
 */
export async function ask(lab: TestLab, host: string, name: string, script: string): Promise<string> {
  const put = "rm -f /ask/answer; cat >/ask/put; mv /ask/put /ask/question";
  const wait = 'timeout 30 sh -c "until [ -e /ask/answer ]; do sleep 0.05; done"; cat /ask/answer';
  return lab.on(host, `docker exec -i ${name} sh -c '${put}; ${wait}'`, script);
}
