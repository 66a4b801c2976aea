import * as z from "zod";

/** The part of `docker inspect` that godwit reads; everything else passes through untouched. */
export const containerInspect = z.looseObject({
  Id: z.string(),
  Name: z.string(),
  Created: z.string(),
  Image: z.string(),
  LogPath: z.string().nullish(),
  Driver: z.string().nullish(),
  RestartCount: z.number().nullish(),
  ExecIDs: z.array(z.string()).nullish(),
  State: z.looseObject({
    Status: z.string(),
    Running: z.boolean(),
    Paused: z.boolean(),
    Pid: z.int(),
    ExitCode: z.int(),
    StartedAt: z.string(),
  }),
  Config: z.looseObject({
    Image: z.string(),
    Hostname: z.string().nullish(),
    Tty: z.boolean().nullish(),
    OpenStdin: z.boolean().nullish(),
    Healthcheck: z.looseObject({ Test: z.array(z.string()).nullish() }).nullish(),
    Shell: z.array(z.string()).nullish(),
    Labels: z.record(z.string(), z.string()).nullish(),
  }),
  HostConfig: z.looseObject({
    NetworkMode: z.string().nullish(),
    PidMode: z.string().nullish(),
    IpcMode: z.string().nullish(),
    Runtime: z.string().nullish(),
    AutoRemove: z.boolean().nullish(),
    Privileged: z.boolean().nullish(),
    RestartPolicy: z.looseObject({ Name: z.string().nullish(), MaximumRetryCount: z.number().nullish() }).nullish(),
    LogConfig: z
      .looseObject({ Type: z.string().nullish(), Config: z.record(z.string(), z.string()).nullish() })
      .nullish(),
    PortBindings: z
      .record(
        z.string(),
        z.array(z.looseObject({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullish(),
      )
      .nullish(),
    Devices: z.array(z.looseObject({ PathOnHost: z.string().nullish() })).nullish(),
    DeviceRequests: z
      .array(z.looseObject({ Driver: z.string().nullish(), Capabilities: z.array(z.array(z.string())).nullish() }))
      .nullish(),
  }),
  Mounts: z
    .array(
      z.looseObject({
        Type: z.string(),
        Name: z.string().nullish(),
        Source: z.string().nullish(),
        Destination: z.string(),
        Driver: z.string().nullish(),
        RW: z.boolean().nullish(),
      }),
    )
    .nullish(),
  NetworkSettings: z.looseObject({
    Networks: z
      .record(z.string(), z.looseObject({ IPAddress: z.string().nullish(), MacAddress: z.string().nullish() }))
      .nullish(),
    Ports: z
      .record(
        z.string(),
        z.array(z.looseObject({ HostIp: z.string().nullish(), HostPort: z.string().nullish() })).nullish(),
      )
      .nullish(),
  }),
});
export type ContainerInspect = z.infer<typeof containerInspect>;
