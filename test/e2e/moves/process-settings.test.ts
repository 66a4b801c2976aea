import { describe, expect, test } from "vitest";
import { countsOn, expectConsecutive } from "../support/looper.ts";
import { runScript, scriptRunner, scriptRunnerFlags } from "../support/script-runner.ts";
import { useSharedLab } from "../support/shared-lab.ts";

const lab = useSharedLab(["forky", "forky"], ["busybox"]);

const run = (host: string, name: string, flags: string, begin?: string) =>
  lab.on(
    host,
    `docker run --pull never -d --name ${name} ${scriptRunnerFlags} ${flags} busybox sh -c '${scriptRunner(begin)}'`,
  );

/** What `docker inspect` says, by a template. */
const shown = (host: string, name: string, template: string) =>
  lab.on(host, `docker inspect --format '${template}' ${name}`);

describe("a container's own processes", () => {
  const flags = [
    "--init --read-only --tmpfs /scratch:size=1m --shm-size 9m --oom-score-adj 321 --ulimit nofile=321:654 --ulimit core=0",
    "--cap-drop ALL --cap-add CHOWN --cap-add NET_BIND_SERVICE --security-opt no-new-privileges",
    "--sysctl net.core.somaxconn=77 --sysctl net.ipv4.tcp_keepalive_time=1234 --sysctl kernel.msgmax=9000",
    "--hostname inner --domainname example.test --add-host extra:10.1.2.3",
    '--dns 10.9.9.9 --dns-search corp.test --dns-option ndots:3 -e GREETING="hello there" -e EMPTY= --workdir /var',
  ].join(" ");

  // What the container sees before the first move.
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
      "kernel settings",
      "cd /proc/sys; cat net/core/somaxconn net/ipv4/tcp_keepalive_time kernel/msgmax",
      /^77\n1234\n9000$/,
    ],
    ["kernel settings that Docker makes", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start", /^0$/],
    ["names", "hostname; hostname -f; cat /proc/sys/kernel/domainname", /^inner\ninner.example.test\nexample.test$/],
    ["other hosts", "grep extra /etc/hosts", /^10\.1\.2\.3\s+extra$/],
    ["name servers", "grep -v ^# /etc/resolv.conf", /^nameserver 10.9.9.9\nsearch corp.test\noptions ndots:3$/],
    ["an environment", 'echo "$GREETING"; env | grep EMPTY; pwd', /^hello there\nEMPTY=\n\/var$/],
    ["sizes", "df -k /dev/shm /scratch | tail -2", /shm +9216 .*\ntmpfs +1024 /],
    ["an OOM score", "cat /proc/self/oom_score_adj", /^321$/],
    [
      "an init",
      "cat /proc/1/comm; (sleep 0.1 & echo $! >/scratch/orphan); sleep 1; ls -d /proc/$(cat /scratch/orphan)",
      /^docker-init\nls: .*No such file/,
    ],
  ];

  test("see the same settings on the other host, and back on the first", async () => {
    await run("h1", "given", flags, "echo kept >/scratch/file");
    const all = looks.map(([, script]) => `(${script}\n)\necho ===`).join("\n");
    for (const [from, host] of [
      ["", "h1"],
      ["h1", "h2"],
      ["h2", "h1"],
    ] as const) {
      if (from) await lab.json("migrate", `${from}/given`, host);
      const answers = (await runScript(lab, host, "given", `${all}\nrm /scratch/new /scratch/orphan`)).split("===");
      for (const [i, [what, , seen]] of looks.entries()) expect(answers[i]?.trim(), `${what} on ${host}`).toMatch(seen);
      expectConsecutive(await countsOn(lab, host, "given"));
    }
  });
});

test("a custom seccomp profile and an entrypoint are kept", async () => {
  const profile = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
  };
  await lab.on("h1", "cat >/root/profile.json", JSON.stringify(profile));
  const flags = `${scriptRunnerFlags} --security-opt seccomp=/root/profile.json --entrypoint /bin/sh`;
  await lab.on("h1", `docker run --pull never -d --name own ${flags} busybox -c '${scriptRunner()}'`);
  for (const host of ["h1", "h2"]) {
    if (host === "h2") await lab.json("migrate", "h1/own", "h2");
    expect(await runScript(lab, host, "own", "mkdir /made")).toMatch(/Operation not permitted/);
    expect((await lab.attempt(host, "docker exec own mkdir /made")).stderr).toMatch(/Operation not permitted/);
    expect(await shown(host, "own", "{{json .Config.Entrypoint}} {{.Path}}")).toBe('["/bin/sh"] /bin/sh');
  }
  // A restart from scratch has them as well.
  await lab.on("h2", "docker restart -t 0 own");
  expect((await lab.attempt("h2", "docker exec own mkdir /made")).stderr).toMatch(/Operation not permitted/);
});
