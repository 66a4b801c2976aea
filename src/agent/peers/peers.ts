import { GodwitError } from "../../contract/errors.ts";
import type { Peer } from "../../transport/peer.ts";
import type { Credentials } from "../../transport/tls.ts";
import { TlsPeer } from "../../transport/tls-peer.ts";
import type { AgentConfig } from "../config.ts";

/** The agents of the other configured hosts. */
export class Peers {
  readonly #config: AgentConfig;
  readonly #credentials: Credentials | undefined;
  readonly #made = new Map<string, Peer>();

  constructor(config: AgentConfig, credentials: Credentials | undefined) {
    this.#config = config;
    this.#credentials = credentials;
  }

  /** Every configured host, this one first. */
  get hosts(): { name: string; address: string; self: boolean }[] {
    const { name, hosts, listen } = this.#config;
    const others = Object.entries(hosts).filter(([other]) => other !== name);
    return [
      { name, address: hosts[name] ?? listen ?? "", self: true },
      ...others.map(([other, address]) => ({ name: other, address, self: false })),
    ];
  }

  /** @throws GodwitError no-such-host, or untrusted-peer where this agent has no keys */
  get(host: string): Peer {
    const made = this.#made.get(host);
    if (made) return made;
    if (host === this.#config.name) throw new GodwitError("usage", `'${host}' is this host itself.`);
    const address = Object.hasOwn(this.#config.hosts, host) ? this.#config.hosts[host] : undefined;
    if (address === undefined) {
      throw new GodwitError("no-such-host", `No host '${host}' is configured on ${this.#config.name}.`, {
        hint: `Configured are ${this.hosts.map(({ name }) => name).join(", ")}; add others to "hosts" in the agent's configuration.`,
      });
    }
    if (!this.#credentials) {
      throw new GodwitError("untrusted-peer", `The agent of ${this.#config.name} has no keys to talk to others with.`, {
        hint: `Put ca.pem, cert.pem and key.pem into ${this.#config.pki}; 'godwit certificates' makes them.`,
      });
    }
    const peer = new TlsPeer(host, address, this.#credentials);
    this.#made.set(host, peer);
    return peer;
  }

  close(): void {
    for (const peer of this.#made.values()) peer.close();
  }
}
