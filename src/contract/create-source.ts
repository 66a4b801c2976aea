import * as z from "zod";
import { absolutePath, imageReference, networkName, volumeName } from "./name-schemas.ts";

const endpoint = z.looseObject({
  IPAMConfig: z
    .looseObject({
      IPv4Address: z.string().nullish(),
      IPv6Address: z.string().nullish(),
      LinkLocalIPs: z.array(z.string()).nullish(),
    })
    .nullish(),
  Links: z.array(z.string()).nullish(),
  Aliases: z.array(z.string()).nullish(),
  DriverOpts: z.record(z.string(), z.string()).nullish(),
  GwPriority: z.number().nullish(),
  NetworkID: z.string().nullish(),
  MacAddress: z.string().nullish(),
  IPAddress: z.string().nullish(),
  GlobalIPv6Address: z.string().nullish(),
});

/** `SOURCE:TARGET[:MODE]`; SOURCE is a path of the host or a volume. */
const bind = z.string().refine((text) => {
  const [source = ""] = text.split(":");
  return (source.startsWith("/") ? absolutePath : volumeName).safeParse(source).success;
}, "does not begin with a path or a volume's name");

const sourceOf = { volume: volumeName, bind: absolutePath };

function checkSource(
  { Type, named, field }: { Type: string; named: string | null | undefined; field: string },
  context: z.RefinementCtx,
): void {
  if (!named || !(Type === "volume" || Type === "bind")) return;
  for (const { message } of sourceOf[Type].safeParse(named).error?.issues ?? [])
    context.addIssue({ code: "custom", path: [field], message });
}

/** The part of `docker inspect` that decides how a container is created again; the rest passes through untouched. */
export const createSource = z.looseObject({
  Id: z.string(),
  Name: z.string().regex(/^\/?[a-zA-Z0-9][\w.-]*$/, "is not a container's name"),
  Config: z.looseObject({
    Image: imageReference,
    Hostname: z.string().nullish(),
    Entrypoint: z.array(z.string()).nullish(),
    MacAddress: z.string().nullish(),
    Volumes: z.record(z.string(), z.unknown()).nullish(),
  }),
  HostConfig: z.looseObject({
    NetworkMode: z.union([z.literal(""), networkName]).nullish(),
    UTSMode: z.string().nullish(),
    AutoRemove: z.boolean().nullish(),
    RestartPolicy: z.looseObject({ Name: z.string().nullish(), MaximumRetryCount: z.int().nullish() }).nullish(),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.looseObject({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullish(),
      )
      .nullish(),
    Binds: z.array(bind).nullish(),
    Mounts: z
      .array(
        z
          .looseObject({ Type: z.string(), Source: z.string().nullish(), Target: z.string() })
          .superRefine(({ Type, Source }, context) => checkSource({ Type, named: Source, field: "Source" }, context)),
      )
      .nullish(),
    VolumesFrom: z.array(z.string()).nullish(),
  }),
  Mounts: z
    .array(
      z
        .looseObject({
          Type: z.string(),
          Name: z.string().nullish(),
          Source: z.string().nullish(),
          Destination: absolutePath,
          Mode: z.string().nullish(),
          RW: z.boolean().nullish(),
        })
        .superRefine(({ Type, Name, Source }, context) =>
          checkSource(
            Type === "volume" ? { Type, named: Name, field: "Name" } : { Type, named: Source, field: "Source" },
            context,
          ),
        ),
    )
    .nullish(),
  NetworkSettings: z.looseObject({ Networks: z.record(networkName, endpoint).nullish() }),
});
export type CreateSource = z.infer<typeof createSource>;
export type EndpointSource = z.infer<typeof endpoint>;

/** `docker inspect` as it is, with nothing in it that a container cannot be created from. */
export const creatableInspect = z.record(z.string(), z.unknown()).superRefine((inspect, context) => {
  for (const { path, message } of createSource.safeParse(inspect).error?.issues ?? [])
    context.addIssue({ code: "custom", path: [...path], message });
});
