import { expect, test, vi } from "vitest";
import type { Operation } from "../contract/operations.ts";
import type { Client } from "../transport/client.ts";
import { followOperation } from "./follow.ts";
import type { Reporter } from "./reporters/reporter.ts";

test("Ctrl-C before the agent has answered cancels the operation as soon as it is known; a second one leaves", async () => {
  const operation = { id: "1a2b", kind: "migrate", container: "looper", state: "done" } as Operation;
  const call = vi.fn(async () => operation);
  const events = async function* () {
    yield { id: 1, body: { type: "ended", operation } };
  };
  let press = () => {};
  const leave = vi.fn();
  const interrupts = {
    onInterrupt: (listener: () => void) => {
      press = listener;
      return () => {};
    },
    leave: leave as unknown as () => never,
  };
  const reporter = { event: () => {}, notice: () => {} } as unknown as Reporter;
  const asked = Promise.withResolvers<Operation>();
  const followed = followOperation({ call, events } as unknown as Client, asked.promise, reporter, interrupts);
  press();
  expect(leave).not.toHaveBeenCalled();
  press();
  expect(leave).toHaveBeenCalledOnce();
  expect(call).not.toHaveBeenCalled();
  asked.resolve(operation);
  await expect(followed).resolves.toBe(operation);
  expect(call).toHaveBeenCalledExactlyOnceWith("cancelOperation", { params: { id: "1a2b" } });
});
