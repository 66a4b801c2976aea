import { expect, test } from "vitest";
import type { TestLab } from "../support/lab.ts";
import { somebody } from "./support/image.ts";
import { startClient } from "./support/lan-client.ts";
import { allModes, lanAddress, moveBackAndForth, onLan } from "./support/moves.ts";
import { recordMoved } from "./support/results.ts";

interface Report {
  /** Messages that the client with the fewest has got. */
  least: number;
  most: number;
  clock: {
    ticks: number;
    /** Timers that came before their time. */
    early: number;
    /** Long timers that are under way, and those that ended. */
    pending: number;
    fired: number;
    clients: number;
  };
}

const clients = 100;
const program = {
  id: "node-websocket",
  what: "A WebSocket server of Node.js, with an address of its own on the LAN",
  how: "a hundred clients exchange numbered messages: each comes once and in order; timers come neither early nor in a burst",
  test: "test/e2e/programs/web-sockets.ts",
};
const longTimers = 10;

/** A WebSocket server of Node.js, while a hundred clients send each other numbered messages over it. */
export function webSockets(lab: TestLab, journeys = allModes): void {
  test.each(journeys)(
    "Node.js, $name: every message comes once and in order, and timers keep their rhythm",
    async ({ modes }) => {
      await lab.on(
        "h1",
        `docker run --pull never -d --name node --user ${somebody} ${onLan} servers node /opt/ws-server.mjs`,
      );
      await using client = startClient<Report>(lab, "web-sockets.ts", `ws://${lanAddress}`, String(clients));
      const allGoOn = async () => {
        await client.goesOn(({ least }) => least, 5);
        await client.goesOn(({ clock }) => clock.ticks ?? 0, 5);
        const { clock } = await client.goesOn(({ clock }) => clock.fired ?? 0, 1);
        expect(clock).toMatchObject({ early: 0, pending: longTimers, clients: clients + 1 });
      };
      await client.goesOn(({ clock }) => clock.fired ?? 0, 1);
      await allGoOn();
      await moveBackAndForth(lab, { name: "node", modes, after: allGoOn });
      const { least, most } = await client.finish();
      expect(least).toBeGreaterThan(20);
      expect(most).toBeGreaterThanOrEqual(least);
      recordMoved(program, modes);
    },
  );
}
