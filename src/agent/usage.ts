import { monitorEventLoopDelay } from "node:perf_hooks";
import type { AgentUsage } from "../contract/routes.ts";

/** Timers are late by about this much even where nothing is in their way. */
const resolutionMs = 5;

/** Watches what this process takes, from now on. */
export function watchUsage(): () => AgentUsage {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  return () => {
    const { user, system } = process.cpuUsage();
    const longestBlockMs = Math.max(0, delay.max / 1e6 - resolutionMs);
    delay.reset();
    return {
      upMs: Math.round(process.uptime() * 1000),
      memoryBytes: process.memoryUsage.rss(),
      cpuMs: Math.round((user + system) / 1000),
      longestBlockMs: Math.round(longestBlockMs * 10) / 10,
    };
  };
}
