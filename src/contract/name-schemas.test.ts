import { expect, test } from "vitest";
import * as z from "zod";
import { checkpointRecord, parseCheckpointRecord } from "./checkpoint.ts";
import * as names from "./name-schemas.ts";

const {
  containerName,
  volumeName,
  networkName,
  imageReference,
  contentDigest,
  containerId,
  imageFileName,
  logSuffix,
  absolutePath,
} = names;
const everywhere = ["", ".", "..", "../x", "../../x", "a/../../x", "x\n", "x\0", "/../x"];

const cases: [string, z.ZodType, good: string[], bad: string[]][] = [
  ["container", containerName, ["web", "a_b.c-1", "X1."], ["/web", "a b", "-x", "é"]],
  ["volume", volumeName, ["data", "a".repeat(64), "project_data"], ["a/b", "~", "C:\\x"]],
  ["network", networkName, ["bridge", "my net", "größe", "stack/default"], ["/", "a//b", "/a"]],
  [
    "image",
    imageReference,
    [
      ...["busybox", "busybox:1.36", "a/b/c:latest", "127.0.0.1:5000/some/app:1", "[fe80::1]:5000/app"],
      ...[`app@sha256:${"a".repeat(64)}`, `sha256:${"a".repeat(64)}`, "0123456789ab"],
    ],
    ["/app", "a//b", "a b", "a?b", "a#b"],
  ],
  ["digest", contentDigest, [`sha256:${"a".repeat(64)}`], ["sha256:abc", `md5:${"a".repeat(64)}`]],
  ["container's id", containerId, ["f".repeat(64)], ["f".repeat(12), "F".repeat(64)]],
  [
    "CRIU's image",
    imageFileName,
    ["pages-1.img", "descriptors.json", "tmpfs-dev-64.tar.gz.img"],
    ["a/b", "/etc/passwd"],
  ],
  ["end of a log's name", logSuffix, [".1", ".12.gz"], [".1/../x", "x", ".gz"]],
  ["path", absolutePath, ["/", "/data", "/with a space/é"], ["data", "./data"]],
];

test.each(cases)("%s", (what, schema, good, bad) => {
  for (const name of good) expect(schema.safeParse(name).success, name).toBe(true);
  const spared = what === "end of a log's name" ? [""] : what === "path" ? ["/../x"] : [];
  for (const name of [...bad, ...everywhere.filter((one) => !spared.includes(one))])
    expect(schema.safeParse(name).success, JSON.stringify(name)).toBe(false);
});

test("a record that does not fit is refused with the field that does not", () => {
  expect(() => parseCheckpointRecord("{")).toThrow("The record of the checkpoint is no JSON.");
  const record = {
    ...{ name: "cp", container: "web", containerId: "c".repeat(64), image: "../../x", parent: null, origin: "godwit" },
    ...{ imageId: `sha256:${"0".repeat(64)}`, createdAt: "2026-01-01T00:00:00Z", criuVersion: null, frozenMs: null },
    ...{ architecture: "x86_64", memoryBytes: 1, filesBytes: 1, processes: [], inspect: inspect("data") },
    trees: [{ kind: "volume", name: "data", destination: "/data" }],
  };
  const refusal = (change: object) => {
    try {
      parseCheckpointRecord(JSON.stringify({ ...record, ...change }));
      return undefined;
    } catch (error) {
      return error;
    }
  };
  expect(refusal({})).toMatchObject({
    code: "invalid-checkpoint",
    message: "The record of the checkpoint does not fit: image: is not an image's name.",
  });
  const image = "busybox";
  expect(refusal({ image })).toBeUndefined();
  expect(refusal({ image, trees: [{ kind: "volume", name: "../x", destination: "/data" }] })).toMatchObject({
    message: "The record of the checkpoint does not fit: trees.0.name: is not a volume's name.",
  });
  expect(refusal({ image, inspect: inspect("../../x") })).toMatchObject({
    message: "The record of the checkpoint does not fit: inspect.Mounts.0.Name: is not a volume's name.",
  });
  expect(checkpointRecord.safeParse({ ...record, image }).success).toBe(true);
});

const inspect = (volume: string) => ({
  ...{ Id: "c", Name: "/web", Config: { Image: "busybox" }, HostConfig: {}, NetworkSettings: {} },
  Mounts: [{ Type: "volume", Name: volume, Source: "/var/lib/docker/volumes/data/_data", Destination: "/data" }],
});

test("a name that a caller gives is refused as invalid-name, wherever in a request it stands; other faults are not", () => {
  const request = z.object({ container: names.givenName("container"), size: z.number() });
  const faults = (value: unknown) => names.refusedName(request.safeParse(value).error as z.ZodError);
  expect(request.parse({ container: "looper", size: 1 })).toEqual({ container: "looper", size: 1 });
  expect(faults({ container: "../x", size: 1 })).toMatchObject({
    code: "invalid-name",
    message: "'../x' is not a valid container name.",
    hint: expect.stringContaining("letters"),
  });
  expect(faults({ container: "../x", size: "big" })).toMatchObject({ code: "invalid-name" });
  expect(faults({ container: "looper", size: "big" })).toBeUndefined();
  expect(faults({ container: 7, size: 1 })).toBeUndefined();
});
