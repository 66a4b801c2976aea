import { expect, test } from "vitest";
import { countsOn, startLooper } from "../support/looper.ts";
import { useSharedLab } from "../support/shared-lab.ts";
import { expectUnchanged } from "../support/unharmed.ts";

const lab = useSharedLab(["forky", "trixie"], ["busybox"]);

const refusals: [code: string, exit: number, call: string[]][] = [
  ["no-such-container", 3, ["migrate", "h1/nobody", "h2"]],
  ["no-such-container", 3, ["checkpoint", "create", "h1/nobody"]],
  ["no-such-container", 3, ["checkpoint", "ls", "h1/nobody"]],
  ["no-such-container", 3, ["restore", "h1/nobody", "cp"]],
  ["no-such-container", 3, ["recover", "h1/nobody"]],
  ["no-such-host", 3, ["migrate", "h1/looper", "h9"]],
  ["no-such-host", 3, ["migrate", "h9/looper", "h1"]],
  ["no-such-checkpoint", 3, ["rollback", "h1/looper", "never"]],
  ["no-such-checkpoint", 3, ["clone", "h1/looper@never", "other"]],
  ["no-such-operation", 3, ["operations", "cancel", "nothing"]],
  ["usage", 2, ["migrate", "h1/looper", "h1"]],
  ["usage", 2, ["migrate", "h1/looper@cp", "h2"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--mode", "sideways"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--bandwidth", "400"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--drain-bandwidth", "10kbit"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--downtime-limit", "3h"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "--on-no-convergence", "hope"]],
  ["usage", 2, ["migration", "set", "nothing"]],
  ["no-such-migration", 3, ["migration", "set", "nothing", "--bandwidth", "unlimited"]],
  ["no-such-migration", 3, ["migration", "cancel", "nothing"]],
  ["usage", 2, ["migrate", "h1/looper"]],
  ["usage", 2, ["migrate", "h1/looper", "h2", "h3"]],
  ["invalid-name", 2, ["migrate", "", "h2"]],
  ["invalid-name", 2, ["migrate", "h1/../looper", "h2"]],
  ["invalid-name", 2, ["migrate", "h1/looper", "../h2"]],
  ["invalid-name", 2, ["checkpoint", "create", "h1/looper", "a/b"]],
  ["invalid-name", 2, ["checkpoint", "create", "h1/looper", "dot."]],
  ["invalid-name", 2, ["rollback", "h1/looper", "x".repeat(300)]],
  ["invalid-name", 2, ["clone", "h1/looper", "ünï"]],
  ["invalid-name", 2, ["clone", "h1/looper", "x"]],
  ["name-taken", 4, ["clone", "h1/looper", "looper"]],
  ["container-running", 4, ["restore", "h1/looper", "cp"]],
];

test("a misspelt, misused or missing name or option is refused with a sentence and a hint, and changes nothing", async () => {
  await startLooper(lab, "h1", "looper");
  for (const [code, exit, call] of refusals) {
    const expected = { code, exit, message: expect.stringMatching(/^\S.*\.$/), hint: expect.any(String) };
    expect(await lab.refusal(...call), call.join(" ")).toMatchObject(expected);
  }
  await expectUnchanged(lab);
});

interface Stored {
  name: string;
  image: string;
  containerId: string;
  trees: { kind: string; name: string; destination: string }[];
  inspect: {
    Name: string;
    Config: { Image: string };
    HostConfig: { Binds: string[] };
    Mounts: { Name?: string }[];
    NetworkSettings: { Networks: Record<string, unknown> };
  };
}

test("a stored checkpoint with names or paths that somebody changed is refused", async () => {
  await startLooper(lab, "h1", "looper", { flags: "-v data:/data" });
  await lab.json("checkpoint", "create", "h1/looper", "cp");
  const path = "/var/lib/godwit/checkpoints/looper/cp/record.json";
  const text = await lab.on("h1", `cat ${path}`);
  const evil = "../../x";
  const at = (record: Stored, tree: number) => record.trees[tree] ?? { kind: "", name: "", destination: "" };
  const changes: Record<string, (record: Stored) => unknown> = {
    "name of a volume": (record) => Object.assign(at(record, 1), { name: evil }),
    "name of the writable layer": (record) => Object.assign(at(record, 0), { name: evil }),
    "kind of a tree": (record) => Object.assign(at(record, 1), { kind: "bind" }),
    "target of a volume": (record) => Object.assign(at(record, 1), { destination: "data" }),
    image: (record) => Object.assign(record, { image: evil }),
    "id of the image": (record) => Object.assign(record, { imageId: `sha256:${evil}` }),
    "id of the container": (record) => Object.assign(record, { containerId: evil }),
    "its own name": (record) => Object.assign(record, { name: evil }),
    "its parent": (record) => Object.assign(record, { parent: evil }),
    "described name": (record) => Object.assign(record.inspect, { Name: "/../../x" }),
    "described image": (record) => Object.assign(record.inspect.Config, { Image: evil }),
    "described bind": (record) => Object.assign(record.inspect.HostConfig, { Binds: [`${evil}:/data`] }),
    "described volume": (record) => record.inspect.Mounts.map((mount) => Object.assign(mount, { Name: evil })),
    "described network": (record) => Object.assign(record.inspect.NetworkSettings.Networks, { [evil]: {} }),
    "a line break": (record) => Object.assign(record, { image: "busybox\nother" }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const record = JSON.parse(text) as Stored;
    change(record);
    await lab.on("h1", `cat >${path}`, JSON.stringify(record));
    for (const call of [
      ["rollback", "h1/looper", "cp"],
      ["clone", "h1/looper@cp", "other"],
    ]) {
      const refused = await lab.refusal(...call);
      expect(refused, what).toMatchObject({
        code: "invalid-checkpoint",
        exit: 5,
        message: expect.stringMatching(/^\S.*\.$/),
      });
      expect(refused, what).not.toHaveProperty("details");
    }
  }
  expect(await lab.on("h1", "docker ps -a --format '{{.Names}}'; docker volume ls -q")).toBe("looper\ndata");
  await lab.on("h1", `cat >${path}`, text);
  await lab.json("rollback", "h1/looper", "cp");
  await countsOn(lab, "h1", "looper", 2);
  await lab.on("h1", "docker rm -f looper; docker volume rm data");
});
