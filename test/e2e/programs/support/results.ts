const all: [string, string][] = [];
export function held(id: string, mode: string) {
  all.push([id, mode]);
}
export function writeResults() {
  console.log(all);
}
