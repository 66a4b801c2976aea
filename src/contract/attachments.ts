import * as z from "zod";

/* The attachments of a container: its volumes, bind mounts, networks and connections. */

export const bindChoices = ["share", "copy"] as const;
export const sharedVolumeChoices = ["refuse", "copy"] as const;
export const tcpChoices = ["auto", "keep", "close"] as const;

/** What a user chooses about a container's attachments. */
export const attachmentOptions = z.object({
  /** `share`: what lies at the same path of the destination is used; `copy`: the content travels into a path made there. */
  bind: z.enum(bindChoices).default("share"),
  /** Whether a volume that another container uses as well may be copied. */
  sharedVolumes: z.enum(sharedVolumeChoices).default("refuse"),
  /** Make networks that are missing on the destination, with the options that they have on the source. */
  createNetworks: z.boolean().default(false),
  /** Whether established connections go on, or end; `auto`: they go on where the container keeps its address. */
  tcp: z.enum(tcpChoices).default("auto"),
});
export type AttachmentOptions = z.infer<typeof attachmentOptions>;
export type TcpChoice = AttachmentOptions["tcp"];

/** A volume of a container. */
export const volumeFacts = z.object({
  name: z.string(),
  driver: z.string(),
  labels: z.record(z.string(), z.string()),
  /** Of its driver; `device` where it mounts something instead of being a folder of Docker's. */
  options: z.record(z.string(), z.string()),
  /** Docker named it, and removes it with its container. */
  anonymous: z.boolean(),
  /** Other containers that use it. */
  users: z.array(z.string()),
});
export type VolumeFacts = z.infer<typeof volumeFacts>;

/** A network that a user made, as Docker is asked to make it. */
export const networkFacts = z.object({
  name: z.string(),
  driver: z.string(),
  /** `local`, or `swarm` where the hosts of a cluster have it in common. */
  scope: z.string(),
  internal: z.boolean(),
  attachable: z.boolean(),
  ipv6: z.boolean(),
  ipam: z.object({
    driver: z.string(),
    options: z.record(z.string(), z.string()),
    config: z.array(z.record(z.string(), z.unknown())),
  }),
  options: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
});
export type NetworkFacts = z.infer<typeof networkFacts>;

/** Networks that every Docker has by itself: a container cannot choose its address in them. */
const builtInNetworks = ["bridge", "host", "none"];

export const isUserNetwork = (name: string): boolean => !builtInNetworks.includes(name);
