import type { Check, PlannedMove } from "../check.ts";
import { fail } from "../finding.ts";

export const addresses: Check<PlannedMove> = {
  key: "addresses",
  audiences: ["migration"],
  run: ({ view: { addressesRefused } }) =>
    addressesRefused.map(({ network, address, by }) =>
      by === null
        ? fail(
            "preflight-failed",
            `the network ${network} has no subnet with the address ${address}`,
            `docker network rm ${network}, and use --create-networks`,
          )
        : fail("preflight-failed", `the address ${address} in ${network} belongs to ${by}`, `docker stop ${by}`),
    ),
};
