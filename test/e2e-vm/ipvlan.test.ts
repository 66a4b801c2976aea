import { afterAll, beforeAll, test } from "vitest";
import { countsOn, expectConsecutive } from "../e2e/support/looper.ts";
import { useVmLab } from "./support/vm-lab.ts";

const lab = useVmLab();
const hosts = ["h1", "h2"];
const [server, client] = ["10.88.0.100", "10.88.0.101"];
const options = "-d ipvlan -o parent=eth0 --subnet 10.88.0.0/24 --ip-range 10.88.0.128/25";

beforeAll(() => Promise.all(hosts.map((host) => lab.on(host, `docker network create ${options} lan`))));
afterAll(() =>
  Promise.all(hosts.map((host) => lab.on(host, "docker ps -aq | xargs -r docker rm -f; docker network rm lan"))),
);

test("on an ipvlan, a connection goes on when its container moves away from the host of its peer", async () => {
  const run = (name: string, ip: string, program: string) =>
    lab.on("h1", `docker run --pull never -d --name ${name} --network lan --ip ${ip} busybox sh -c '${program}'`);
  const count = (pause: number) => `i=0; while echo $i; do i=$((i+1)); sleep ${pause}; done`;
  await run("server", server, `nc -ll -p 7000 -e cat & ${count(0.1)}`);
  await countsOn(lab, "h1", "server");
  await run("client", client, `(${count(0.05)}) | nc ${server} 7000; echo ended`);
  await lab.json("migrate", "h1/server", "h2");
  // It logs what comes back of what it sent. After an end of the connection the log has `ended`, which is no number.
  expectConsecutive(await countsOn(lab, "h1", "client", 20));
  expectConsecutive(await countsOn(lab, "h2", "server"));
});
