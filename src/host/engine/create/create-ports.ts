import type { CreateSource } from "../../../contract/create-source.ts";
import type { ContainerFacts } from "../../../contract/facts.ts";

export type PublishedPort = ContainerFacts["ports"][number];
type Bindings = NonNullable<CreateSource["HostConfig"]["PortBindings"]>;

/** Whether bindings ask for just this port, or let Docker choose one (`-p 80`, `-P`, a range). */
export function isAskedFor(bindings: Bindings | null | undefined, container: string, hostPort: string): boolean {
  return (bindings?.[container] ?? []).some(({ HostPort }) => HostPort === hostPort);
}

/** Published ports. `fresh`: Docker chooses all of them. `keep`: of those that it chose, these are asked for by number. */
export function portsOf(
  { HostConfig }: CreateSource,
  { fresh, keep }: { fresh: boolean; keep: PublishedPort[] },
): Bindings {
  const wanted = HostConfig.PortBindings ?? {};
  if (fresh) return withPorts(wanted, () => "");
  // Without an address there is one for IPv4 and one for IPv6, with the same port.
  const numbers = (port: string) => [
    ...new Set(keep.filter(({ container }) => container === port).map(({ hostPort }) => String(hostPort))),
  ];
  // All that the image exposes is published, without being named.
  const unnamed = keep.filter(({ container }) => !(container in wanted));
  return {
    ...withPorts(wanted, (port, asked, index) => (/^\d+$/.test(asked) ? asked : (numbers(port)[index] ?? asked))),
    ...Object.fromEntries(
      unnamed.map(({ container }) => [container, numbers(container).map((HostPort) => ({ HostIp: "", HostPort }))]),
    ),
  };
}

function withPorts(bindings: Bindings, portFor: (port: string, asked: string, index: number) => string): Bindings {
  return Object.fromEntries(
    Object.entries(bindings).map(([port, hosts]) => [
      port,
      (hosts ?? []).map((host, index) => ({ ...host, HostPort: portFor(port, host.HostPort ?? "", index) })),
    ]),
  );
}
