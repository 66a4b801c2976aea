import type { TestLab } from "./lab.ts";

/**
 * A program for `docker run ... busybox sh -c`, in single quotes: it counts, and runs the scripts of `runScript` as its own children.
 * It runs `begin` first.
 */
export const scriptRunner = (begin = ":"): string =>
  [
    `${begin}; i=0; while true; do echo $i; i=$((i+1));`,
    "if [ -e /ask/question ]; then sh /ask/question >/ask/new 2>&1; rm /ask/question; mv /ask/new /ask/answer; fi;",
    "sleep 0.1; done",
  ].join(" ");

/** The flags of `docker run` that the program needs. */
export const scriptRunnerFlags = "--tmpfs /ask";

/**
 * Lets the program of a container run a script. The script sees what a moved process has; `docker exec` only shows what Docker gives
 * to a new process. @returns the script's output and errors
 */
export async function runScript(lab: TestLab, host: string, name: string, script: string): Promise<string> {
  const put = "rm -f /ask/answer; cat >/ask/put; mv /ask/put /ask/question";
  const wait = 'timeout 30 sh -c "until [ -e /ask/answer ]; do sleep 0.05; done"; cat /ask/answer';
  return lab.on(host, `docker exec -i ${name} sh -c '${put}; ${wait}'`, script);
}
