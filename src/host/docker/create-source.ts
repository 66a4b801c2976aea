import { z } from "zod";

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

/** The part of `docker inspect` that decides how a container is created again; the rest passes through untouched. */
export const createSource = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Config: z.looseObject({
    Image: z.string(),
    Hostname: z.string().nullish(),
    Entrypoint: z.array(z.string()).nullish(),
    MacAddress: z.string().nullish(),
    Volumes: z.record(z.string(), z.unknown()).nullish(),
  }),
  HostConfig: z.looseObject({
    NetworkMode: z.string().nullish(),
    UTSMode: z.string().nullish(),
    AutoRemove: z.boolean().nullish(),
    RestartPolicy: z.looseObject({ Name: z.string().nullish(), MaximumRetryCount: z.int().nullish() }).nullish(),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.looseObject({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullish(),
      )
      .nullish(),
    Binds: z.array(z.string()).nullish(),
    Mounts: z.array(z.looseObject({ Type: z.string(), Source: z.string().nullish(), Target: z.string() })).nullish(),
    VolumesFrom: z.array(z.string()).nullish(),
  }),
  Mounts: z
    .array(
      z.looseObject({
        Type: z.string(),
        Name: z.string().nullish(),
        Source: z.string().nullish(),
        Destination: z.string(),
        Mode: z.string().nullish(),
        RW: z.boolean().nullish(),
      }),
    )
    .nullish(),
  NetworkSettings: z.looseObject({ Networks: z.record(z.string(), endpoint).nullish() }),
});
export type CreateSource = z.infer<typeof createSource>;
export type EndpointSource = z.infer<typeof endpoint>;
