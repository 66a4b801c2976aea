import { beforeAll, expect, test } from "vitest";
import { countsOn, expectConsecutive, idOf } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { eventually } from "../support/wait.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

const service = `
    image: busybox
    pull_policy: never
    init: true
    command: sh -c "i=0; while echo $$i; do i=$$((i+1)); sleep 0.1; done"`;
const project = `services:
  web:${service}
    volumes: ["data:/data"]
    ports: ["8080:80"]
    healthcheck: {test: ["CMD", "true"], interval: 1s}
    restart: unless-stopped
  db:${service}
    depends_on: [web]
volumes: {data: {}}
`;
const compose = (host: string, words: string) => lab.on(host, `cd /run/shop && docker compose ${words}`);
const running = async (host: string) => (await compose(host, "ps --services --status running")).split("\n").sort();
const web = "shop-web-1";

beforeAll(async () => {
  for (const host of ["h1", "h2"]) await lab.on(host, "mkdir -p /run/shop && cat >/run/shop/compose.yaml", project);
});

test("Compose finds the container of its project on the other host, and does not create it again", async () => {
  await compose("h1", "up -d --quiet-pull");
  await countsOn(lab, "h1", web);
  expect(await running("h1")).toEqual(["db", "web"]);
  expect(await lab.json("migrate", `h1/${web}`, "h2", "--create-networks")).toMatchObject({ warnings: [] });
  expect(await running("h1")).toEqual(["db"]);
  expect(await running("h2")).toEqual(["web"]);
  const id = await idOf(lab, "h2", web);
  await compose("h2", "up -d --quiet-pull");
  expect(await running("h2")).toEqual(["db", "web"]);
  expect(await idOf(lab, "h2", web)).toBe(id);
  expectConsecutive(await countsOn(lab, "h2", web));
  await compose("h2", "down --volumes");
  expect(await lab.on("h2", "docker ps -aq; docker volume ls -q; docker network ls --format {{.Name}}")).toBe(
    "bridge\nhost\nnone",
  );
  await compose("h1", "down --volumes");
});

test("the docker-init of the source goes on where Docker has another one, also after a rollback there", async () => {
  const init = (host: string, path: string) => lab.on(host, `sha256sum ${path} | cut -d ' ' -f 1`);
  expect(await init("h1", "$(command -v docker-init)")).not.toBe(await init("h2", "$(command -v docker-init)"));
  const within = (host: string) => lab.on(host, "docker exec inited sha256sum /sbin/docker-init | cut -d ' ' -f 1");
  const count = "i=0; while echo $i; do i=$((i+1)); sleep 0.1; done";
  await lab.on("h1", `docker run --pull never -d --init --name inited busybox sh -c '${count}'`);
  await countsOn(lab, "h1", "inited");
  const was = await within("h1");
  await lab.json("migrate", "h1/inited", "h2");
  expectConsecutive(await countsOn(lab, "h2", "inited"));
  expect(await within("h2")).toBe(was);
  await lab.json("checkpoint", "create", "h2/inited", "there");
  await lab.json("rollback", "h2/inited", "there");
  await countsOn(lab, "h2", "inited");
  expect(await within("h2")).toBe(was);
  await lab.json("migrate", "h2/inited", "h1");
  await countsOn(lab, "h1", "inited");
  // After a restart it has the docker-init of the Docker that starts it.
  await lab.json("migrate", "h1/inited", "h2");
  await lab.on("h2", "docker restart -t 0 inited");
  await eventually("it has started anew", async () => (await within("h2")) !== was || undefined);
});
