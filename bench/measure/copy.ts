import type { BenchLab } from "./bench-lab.ts";

const port = 7495;

/** Copies the contents of the folder `there` on h1 into the folder `here` on h2, as fast as the link allows: tar over bare TCP. */
export async function copyFolder(lab: BenchLab, there: string, here: string): Promise<void> {
  const received = lab.on("h2", `mkdir -p ${here} && busybox nc -l -p ${port} | tar -x -C ${here}`);
  received.catch(() => {});
  const listens = `busybox netstat -ltn | grep -q ':${port} '`;
  await lab.on("h2", `for _ in $(seq 100); do ${listens} && exit 0; sleep 0.02; done; exit 1`);
  // bash sends, because busybox's nc would end as soon as the other side sends nothing more.
  await lab.on("h1", `bash -c 'tar -C ${there} -c . >/dev/tcp/h2/${port}'`);
  await received;
}
