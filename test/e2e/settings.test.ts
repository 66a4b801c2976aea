import { describe, expect, test } from "vitest";
import { ask, askedCommand, askedFlags } from "./support/asked.ts";
import { countsOn, expectConsecutive, looperCommand, startLooper } from "./support/looper.ts";
import { useSharedLab } from "./support/shared-lab.ts";
import { type } from "./support/terminal.ts";
import { eventually } from "./support/wait.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

const run = (host: string, name: string, flags: string, begin?: string) =>
  lab.on(
    host,
    `docker run --pull never -d --name ${name} ${askedFlags} ${flags} busybox sh -c '${askedCommand(begin)}'`,
  );

/** What `docker inspect` says, by a template. */
const shown = (host: string, name: string, template: string) =>
  lab.on(host, `docker inspect --format '${template}' ${name}`);

const comesTo = (host: string, name: string, template: string, value: string) =>
  eventually(`${template} of ${name} on ${host} is ${value}`, async () => {
    const found = await shown(host, name, template);
    if (found !== value) throw new Error(`It is ${found}.`);
    return true;
  });

describe("a container's own processes", () => {
  const flags = [
    "--init --read-only --tmpfs /scratch:size=1m --shm-size 9m --oom-score-adj 321 --ulimit nofile=321:654 --ulimit core=0",
    "--cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE --security-opt no-new-privileges",
    "--sysctl net.core.somaxconn=77 --sysctl net.ipv4.tcp_keepalive_time=1234 --sysctl kernel.msgmax=9000",
    "--hostname inner --domainname example.test --add-host extra:10.1.2.3",
    '--dns 10.9.9.9 --dns-search corp.test --dns-option ndots:3 -e GREETING="hello there" -e EMPTY= --workdir /var',
  ].join(" ");

  // Each as it is before the first move.
  const looks: [what: string, script: string, seen: RegExp][] = [
    ["capabilities", "grep ^Cap /proc/self/status", /^CapEff:\s*0000000000000401$/m],
    ["no new privileges", "grep ^NoNewPrivs /proc/self/status", /1$/],
    ["a seccomp profile", "grep ^Seccomp: /proc/self/status; unshare -U true", /2\n.*Operation not permitted$/],
    ["limits", "ulimit -n; ulimit -Hn; ulimit -c", /^321\n654\n0$/],
    [
      "a root that is read-only",
      "touch /new; echo new >/scratch/new && cat /scratch/*",
      /Read-only file system\nkept\nnew$/,
    ],
    [
      "settings of the kernel",
      "cd /proc/sys; cat net/core/somaxconn net/ipv4/tcp_keepalive_time kernel/msgmax",
      /^77\n1234\n9000$/,
    ],
    ["settings of the kernel that Docker makes", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start", /^0$/],
    ["names", "hostname; hostname -f; cat /proc/sys/kernel/domainname", /^inner\ninner.example.test\nexample.test$/],
    ["other hosts", "grep extra /etc/hosts", /^10\.1\.2\.3\s+extra$/],
    ["name servers", "grep -v ^# /etc/resolv.conf", /^nameserver 10.9.9.9\nsearch corp.test\noptions ndots:3$/],
    ["an environment", 'echo "$GREETING"; env | grep EMPTY; pwd', /^hello there\nEMPTY=\n\/var$/],
    ["sizes", "df -k /dev/shm /scratch | tail -2", /shm +9216 .*\ntmpfs +1024 /],
    ["a place before the killer", "cat /proc/self/oom_score_adj", /^321$/],
    [
      "an init",
      "cat /proc/1/comm; (sleep 0.1 & echo $! >/scratch/orphan); sleep 1; ls -d /proc/$(cat /scratch/orphan)",
      /^docker-init\nls: .*No such file/,
    ],
  ];

  test("have what it was started with, on the other host and back", async () => {
    await run("h1", "given", flags, "echo kept >/scratch/file");
    const all = looks.map(([, script]) => `(${script}\n)\necho ===`).join("\n");
    for (const [from, host] of [
      ["", "h1"],
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      if (from) await lab.json("migrate", `${from}/given`, host);
      const answers = (await ask(lab, host, "given", `${all}\nrm /scratch/new /scratch/orphan`)).split("===");
      for (const [i, [what, , seen]] of looks.entries()) expect(answers[i]?.trim(), `${what} on ${host}`).toMatch(seen);
      expectConsecutive(await countsOn(lab, host, "given"));
    }
  });
});

test("a seccomp profile of its user's own, and an entrypoint, are kept", async () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
  };
  await lab.on("h1", "cat >/root/profile.json", JSON.stringify(profile));
  const flags = `${askedFlags} --security-opt seccomp=/root/profile.json --entrypoint /bin/sh`;
  await lab.on("h1", `docker run --pull never -d --name own ${flags} busybox -c '${askedCommand()}'`);
  for (const host of ["h1", "h2"]) {
    if (host === "h2") await lab.json("migrate", "h1/own", "h2");
    expect(await ask(lab, host, "own", "mkdir /made")).toMatch(/Operation not permitted/);
    expect((await lab.attempt(host, "docker exec own mkdir /made")).stderr).toMatch(/Operation not permitted/);
    expect(await shown(host, "own", "{{json .Config.Entrypoint}} {{.Path}}")).toBe('["/bin/sh"] /bin/sh');
  }
  // A start from scratch has them as well.
  await lab.on("h2", "docker restart -t 0 own");
  expect((await lab.attempt("h2", "docker exec own mkdir /made")).stderr).toMatch(/Operation not permitted/);
});

describe("the Docker of the other host", () => {
  test("treats it as one of its own: its health, its name, its files, its end", async () => {
    const flags = [
      "--label com.docker.compose.project=shop --label com.docker.compose.service=web --restart on-failure:3",
      '--health-cmd "[ -e /ask/well ]" --health-interval 1s --health-retries 1 --stop-signal USR1 --stop-timeout 60',
    ].join(" ");
    await run("h1", "web", flags, 'trap "echo 99999; exit 7" USR1; echo made >>/made; touch /ask/well');
    const health = "{{.State.Health.Status}}";
    await comesTo("h1", "web", health, "healthy");
    await lab.json("migrate", "h1/web", "h2");
    for (const [command, status] of [
      ["true", "healthy"],
      ["rm /ask/well", "unhealthy"],
      ["touch /ask/well", "healthy"],
    ] as const) {
      await lab.on("h2", `docker exec web ${command}`);
      await comesTo("h2", "web", health, status);
    }
    const listed =
      "docker ps -a --filter label=com.docker.compose.project=shop --format '{{.Names}} {{.Label \"com.docker.compose.service\"}}'";
    expect(await lab.on("h1", listed)).toBe("");
    expect(await lab.on("h2", listed)).toBe("web web");

    expect(await lab.on("h2", "docker top web -o pid,args")).toMatch(/^\d+ +sh -c trap/m);
    expect(await lab.on("h2", "docker stats --no-stream --format '{{.Name}} {{.NetIO}}' web")).toMatch(
      /^web [\d.]+[kM]?B/,
    );
    expect(await lab.on("h2", "docker cp web:/made - | tar -xO")).toBe("made");
    expect(await lab.on("h2", "docker commit web committed >/dev/null; docker run --rm committed cat /made")).toBe(
      "made",
    );

    await lab.on("h2", "docker rename web shop");
    await lab.json("migrate", "h2/shop", "h1");
    expectConsecutive(await countsOn(lab, "h1", "shop"));
    await lab.on("h1", "docker stop shop");
    expect(await lab.on("h1", "docker logs --tail 1 shop")).toBe("99999");
    expect(await shown("h1", "shop", "{{.State.Status}} {{.State.ExitCode}} {{.RestartCount}}")).toBe("exited 7 0");
    for (const [command, begun] of [
      ["start", 2],
      ["restart", 3],
    ] as const) {
      await lab.on("h1", `docker ${command} shop`);
      await comesTo("h1", "shop", health, "healthy");
      expect(await lab.on("h1", "docker exec shop cat /made")).toBe(Array(begun).fill("made").join("\n"));
    }
  });

  /** Has the program end by itself, once it has set its trap; the end may come before that of the command. */
  const end = (host: string, name: string) =>
    lab.attempt(host, `docker exec ${name} sh -c 'until [ -e /ask/ready ]; do sleep 0.05; done; kill -USR1 1'`);

  test("starts it anew when it ends by itself, as often as its restart policy says", async () => {
    await run("h1", "counted", "--restart on-failure:2 --log-driver none", 'trap "exit 7" USR1; touch /ask/ready');
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/counted", "h2");
    expect(warnings).toEqual([]);
    expect((await lab.attempt("h2", "docker logs counted")).stderr).toContain("does not support reading");
    const state = "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}";
    for (const next of ["1 running 0", "2 running 0", "2 exited 7"]) {
      await end("h2", "counted");
      await comesTo("h2", "counted", state, next);
    }
    expect(await lab.on("h1", "docker ps -aq")).toBe("");
  });

  test("shows its terminal, in the size that each user's has, and restarts it unless it was stopped", async () => {
    await run(
      "h1",
      "open",
      "-it --restart unless-stopped --security-opt seccomp=unconfined",
      'trap "exit 7" USR1; touch /ask/ready',
    );
    const size = "stty size </proc/1/fd/0; grep ^Seccomp: /proc/self/status; unshare -U true && echo allowed";
    const seen = (rows: number, columns: number) => `${rows} ${columns}\nSeccomp:\t0\nallowed`;
    await type(lab, "h1", "open", "first", { rows: 33, columns: 99 });
    expect(await ask(lab, "h1", "open", size)).toBe(seen(33, 99));
    await lab.json("migrate", "h1/open", "h2");
    expect(await ask(lab, "h2", "open", size)).toBe(seen(33, 99));
    // The terminal says again what is typed into it; after that the program counts on.
    expect(await type(lab, "h2", "open", "typed there", { rows: 44, columns: 111 })).toMatch(
      /typed there\r\n\d+\r\n\d+\r\n/,
    );
    expect(await ask(lab, "h2", "open", size)).toBe(seen(44, 111));
    await end("h2", "open");
    await comesTo("h2", "open", "{{.RestartCount}} {{.State.Status}}", "1 running");
    await lab.on("h2", "docker stop -t 0 open");
    expect(await shown("h2", "open", "{{.State.Status}}")).toBe("exited");
  });
});

describe("a log that is kept elsewhere", () => {
  /** A log server; what it is told goes to /run/told. */
  const serve = (host: string) =>
    lab.on(
      host,
      "perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => 5140, Proto => q(udp)); $| = 1; while ($s->recv($l, 9999)) { print qq($l\\n) }' >/run/told 2>&1 & echo $! >/run/server; until ss -lun | grep -q :5140; do sleep 0.05; done",
    );
  const told = async (host: string) =>
    [...(await lab.on(host, "cat /run/told")).matchAll(/: (\d+)$/gm)].map(([, number]) => Number(number));

  test("goes on from the other host, and what was said before stays there; that is said", async () => {
    for (const host of ["h1", "h2"]) await serve(host);
    const flags = "--log-driver syslog --log-opt syslog-address=udp://127.0.0.1:5140";
    await lab.on("h1", `docker run --pull never -d --name told ${flags} busybox ${looperCommand()}`);
    await eventually("h1 is told", async () => (await told("h1")).length > 5 || undefined);
    const { warnings } = await lab.json<{ warnings: string[] }>("migrate", "h1/told", "h2");
    expect(warnings).toEqual([
      expect.stringContaining("the container logs to syslog: godwit does not copy the history"),
    ]);
    await eventually("h2 is told", async () => (await told("h2")).length > 5 || undefined);
    expectConsecutive([...(await told("h1")), ...(await told("h2"))]);
    for (const host of ["h1", "h2"]) await lab.on(host, "kill $(cat /run/server)");
  });
});

test("what cannot move is refused in a sentence, and runs on", async () => {
  const refused: [flags: string, message: RegExp, hint: string][] = [
    ["--network container:other", /shares its network with container other\.$/, "--network"],
    ["--ipc container:other", /shares its shared memory with container other\.$/, "--ipc"],
  ];
  await startLooper(lab, "h1", "other", { flags: "--ipc shareable" });
  for (const [i, [flags, message, hint]] of refused.entries()) {
    await startLooper(lab, "h1", `looper-${i}`, { flags });
    expect(await lab.refusal("migrate", `h1/looper-${i}`, "h2")).toMatchObject({
      ...{ code: "unsupported-container", exit: 5 },
      ...{ message: expect.stringMatching(message), hint: expect.stringContaining(hint) },
    });
    expectConsecutive(await countsOn(lab, "h1", `looper-${i}`));
  }
  expect(await lab.refusal("migrate", "h1/other", "h2")).toMatchObject({
    ...{ code: "unsupported-container", exit: 5, hint: expect.stringContaining("stop looper-0") },
    message: expect.stringMatching(/shares its network with container looper-0, which would lose it\.$/),
    details: [expect.stringContaining("shares its shared memory with container looper-1, which would lose it")],
  });
  expect(await lab.on("h2", "docker ps -aq")).toBe("");
  await lab.on("h1", "docker stop -t 0 looper-0 looper-1");
  await lab.json("migrate", "h1/other", "h2");
  expectConsecutive(await countsOn(lab, "h2", "other"));
});
