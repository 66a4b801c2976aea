import { expect, it } from "vitest";
import { Flight } from "./flight.ts";

const piece = 256 * 1024;

/** Sends as much as may be on its way, lets all of it arrive, and returns how many bytes that was. */
function round(flight: Flight, from: number): number {
  let frames = 0;
  while (!flight.full) {
    frames += 1;
    flight.sent(from + frames, piece);
  }
  flight.arrived(from + frames);
  return frames;
}

it("grows up to its maximum while no page is requested, and halves with each request", () => {
  const flight = new Flight();
  const least = flight.limit;
  let at = 0;
  for (let i = 0; i < 100; i += 1) at += round(flight, at);
  const most = flight.limit;
  expect(most).toBe(8 * 2 ** 20);
  flight.wanted();
  expect(flight.limit).toBe(most / 2);
  for (let i = 0; i < 100; i += 1) flight.wanted();
  expect(flight.limit).toBe(least);
});

it("is full while too much has not arrived", () => {
  const flight = new Flight();
  flight.sent(1, piece);
  expect(flight.full).toBe(false);
  flight.sent(2, piece);
  expect(flight.full).toBe(true);
  flight.arrived(1);
  expect(flight.full).toBe(false);
  flight.arrived(1);
  flight.sent(3, piece);
  expect(flight.full).toBe(true);
  flight.arrived(3);
  expect(flight.full).toBe(false);
});
