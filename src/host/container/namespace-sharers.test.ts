import { expect, test } from "vitest";
import type { ContainerInspect } from "../engine/inspect.ts";
import { joinedBy, type Neighbours, namespaceSharersOf } from "./namespace-sharers.ts";

const idOf = (letter: string) => letter.repeat(64);
const container = (letter: string, name: string, modes: object = {}) =>
  ({ Id: idOf(letter), Name: `/${name}`, HostConfig: modes }) as ContainerInspect;

const web = container("a", "web");
const sidecar = container("b", "sidecar", { NetworkMode: `container:${idOf("a")}`, PidMode: "container:web" });
const other = container("c", "other", { NetworkMode: "bridge", IpcMode: "container:ddd" });
const neighbours: Neighbours = {
  all: [web, sidecar, other].map(({ Id, Name }) => ({ Id, Names: [Name], Image: "", State: "running", Status: "" })),
  running: [web, sidecar, other],
};

test("who runs in a namespace of a container, by name", () => {
  expect(namespaceSharersOf(web, neighbours)).toEqual([
    { name: "sidecar", namespace: "network" },
    { name: "sidecar", namespace: "pid" },
  ]);
  expect(namespaceSharersOf(other, neighbours)).toEqual([]);
});

test("in whose namespaces a container runs: by name, by the id of one that is gone", () => {
  expect(joinedBy(sidecar, neighbours)).toEqual([
    { name: "web", namespace: "network" },
    { name: "web", namespace: "pid" },
  ]);
  expect(joinedBy(web, neighbours)).toEqual([]);
  const lost = container("e", "lost", { NetworkMode: `container:${idOf("f")}` });
  expect(joinedBy(lost, neighbours)).toEqual([{ name: "ffffffffffff", namespace: "network" }]);
});
