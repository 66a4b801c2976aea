import { expect } from "vitest";
import { readLog, readState } from "./docker-api.ts";
import type { TestLab } from "./lab.ts";
import { eventually } from "./wait.ts";

/** A program that counts; `pause` in seconds between two numbers. */
export const looperCommand = (pause = 0.1) =>
  `/bin/sh -c 'i=0; while true; do echo $i; i=$((i+1)); sleep ${pause}; done'`;

/** Starts a container with this program, and waits until it counts. @returns the container's id */
export async function startLooper(
  lab: TestLab,
  host: string,
  name: string,
  options: { flags?: string; pause?: number } = {},
): Promise<string> {
  const id = await lab.on(
    host,
    `docker run --pull never -d --name ${name} ${options.flags ?? ""} busybox ${looperCommand(options.pause)}`,
  );
  await countsTo(lab, host, name, 3);
  return id;
}

/** All numbers in a container's log, in order. Fails if the log has anything else. */
export async function logNumbers(lab: TestLab, host: string, name: string): Promise<number[]> {
  const lines = (await readLog(lab, host, name)).split("\n").filter(Boolean);
  const foreign = lines.findIndex((line) => !/^\d+\r?$/.test(line));
  if (foreign >= 0) throw new Error(`The log of ${name} has more than numbers:\n${lines.slice(foreign).join("\n")}`);
  return lines.map(Number);
}

/** Waits until the last number in the log is at least `number`. @returns the last number */
export async function countsTo(lab: TestLab, host: string, name: string, number: number): Promise<number> {
  return (await logWith(lab, host, name, number)).at(-1) ?? -1;
}

const logWith = (lab: TestLab, host: string, name: string, number: number): Promise<number[]> =>
  eventually(`${name} on ${host} counts to ${number}`, async () => {
    const all = await logNumbers(lab, host, name);
    return (all.at(-1) ?? -1) >= number ? all : undefined;
  });

/** Waits until a container has counted `more` numbers further. @returns all numbers in its log */
export async function countsOn(lab: TestLab, host: string, name: string, more = 5): Promise<number[]> {
  const now = (await logNumbers(lab, host, name)).at(-1) ?? -1;
  return logWith(lab, host, name, now + more);
}

/** Fails if a number is missing or repeated. */
export function expectConsecutive(numbers: number[], first = 0): void {
  expect(numbers).toEqual(numbers.map((_, i) => first + i));
}

/** The state of a container as `docker ps -a` shows it; undefined if there is none. */
export const stateOf = readState;

export const idOf = (lab: TestLab, host: string, name: string) =>
  lab.on(host, `docker inspect --format '{{.Id}}' ${name}`);
