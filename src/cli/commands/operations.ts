import { GodwitError } from "../../contract/errors.ts";
import type { Operation } from "../../contract/operations.ts";
import { examples, type Registration } from "../command.ts";
import type { Connection, HostClient } from "../connection.ts";

export const operations: Registration = (program, action) => {
  const group = program
    .command("operations")
    .summary("list, show, watch and cancel operations")
    .description("Lists, shows, watches and cancels the operations of all hosts.")
    .addHelpText("after", examples("godwit operations ls", "godwit operations watch 1a2b3c4d"));

  group
    .command("ls")
    .json("`Operation[]`")
    .description("Lists the operations of all hosts that answer. The newest is the last.")
    .addHelpText("after", examples("godwit operations ls --json"))
    .action(
      action(async ({ connect, notice }, _options: object) => {
        const hosts = await (await connect()).hosts();
        const lists = hosts.map(({ client }) => client.call("operations", {}));
        const found: Operation[] = [];
        for (const list of await Promise.allSettled(lists)) {
          if (list.status === "fulfilled") found.push(...list.value);
          else if (hosts.length === 1) throw list.reason;
          else notice(String(list.reason.message));
        }
        return { view: "operations", data: found.sort((a, b) => a.startedAt.localeCompare(b.startedAt)) };
      }),
    );

  group
    .command("show")
    .json("`Operation`")
    .description("Shows an operation, with its result or its error.")
    .argument("<id>", "id of the operation")
    .addHelpText("after", examples("godwit operations show 1a2b3c4d"))
    .action(
      action(async ({ connect }, id: string, _options: object) => {
        const { operation } = await find(await connect(), id);
        return { view: "operation", data: operation };
      }),
    );

  group
    .command("watch")
    .json("`Event` lines, then the operation's result line")
    .description(
      "Follows an operation to its end. The first Ctrl-C cancels it. The second one only stops following it.",
    )
    .argument("<id>", "id of the operation")
    .addHelpText("after", examples("godwit operations watch 1a2b3c4d"))
    .action(
      action(async ({ connect, follow }, id: string, _options: object) => {
        const { client, operation } = await find(await connect(), id);
        return { view: "ended", data: await follow(client, Promise.resolve(operation)) };
      }),
    );

  group
    .command("cancel")
    .json("`Operation`")
    .description("Cancels an operation and undoes what it did. After the switchover an operation cannot be cancelled.")
    .argument("<id>", "id of the operation")
    .addHelpText("after", examples("godwit operations cancel 1a2b3c4d"))
    .action(
      action(async ({ connect }, id: string, _options: object) => {
        const { client } = await find(await connect(), id);
        const data = await client.call("cancelOperation", { params: { id } });
        const line =
          data.state === "running" ? `cancelling ${data.kind} of ${data.container}` : `it has ended: ${data.state}`;
        return { view: "done", data: { lines: [line], data } };
      }),
    );
};

/** Finds the host that has the operation. */
async function find(connection: Connection, id: string): Promise<HostClient & { operation: Operation }> {
  const hosts = await connection.hosts();
  const asked = await Promise.allSettled(hosts.map(({ client }) => client.call("operation", { params: { id } })));
  for (const [i, one] of asked.entries()) {
    const host = hosts[i];
    if (one.status === "fulfilled" && host) return { ...host, operation: one.value };
  }
  const reasons = asked.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  throw reasons.find((reason) => !(reason instanceof GodwitError && reason.code === "no-such-operation")) ?? reasons[0];
}
