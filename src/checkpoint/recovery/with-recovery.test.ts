import { expect, test } from "vitest";
import { containerInspect } from "../../host/engine/inspect.ts";
import { userChanges } from "./with-recovery.ts";

const original = ({ name = "web", running = true, policy = "no" }) =>
  containerInspect.parse({
    ...{ Id: "1".repeat(64), Name: `/${name}`, Created: "2026-01-01T00:00:00Z", Image: "sha256:1" },
    State: { Status: "", Running: running, Paused: false, Pid: 1, ExitCode: 0, StartedAt: "" },
    Config: { Image: "app" },
    HostConfig: { RestartPolicy: { Name: policy } },
    NetworkSettings: {},
  });

test("an original that nobody touched while it stood frozen gives no sentence", () => {
  expect(userChanges(original({}), "web")).toEqual([]);
});

test.each([
  ["removed", undefined, /was removed meanwhile\. It exists again/],
  ["stopped", original({ running: false }), /ended or was stopped meanwhile; it runs again/],
  ["renamed", original({ name: "other" }), /was renamed to 'other' meanwhile; it has its former name again/],
  ["given another restart policy", original({ policy: "always" }), /was set to 'always' meanwhile/],
])("an original that was %s gives one", (_, found, says) => {
  expect(userChanges(found, "web")).toEqual([expect.stringMatching(says)]);
});
