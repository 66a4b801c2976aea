import type { Row } from "./rows.ts";
import { type Spread, spreadOf } from "./statistics.ts";

const width = 720;
const height = 420;
const left = 70;
const right = 190;
const top = 40;
const bottom = 50;
const colours = ["#0b7285", "#5f3dc4", "#868e96", "#c92a2a", "#e67700", "#2b8a3e", "#a61e4d", "#364fc7"];

interface Line {
  name: string;
  points: { memoryMiB: number; ms: Spread }[];
}

/** An SVG file: downtime over memory for each tool, both scales logarithmic, of idle one-process containers on an unlimited link. */
export function plot(rows: readonly Row[]): string {
  const lines = linesOf(rows);
  const points = lines.flatMap((line) => line.points);
  const memories = [...new Set(points.map(({ memoryMiB }) => memoryMiB))].sort((a, b) => a - b);
  const low = decade(Math.min(...points.map(({ ms }) => ms.min), 100), Math.floor);
  const high = decade(Math.max(...points.map(({ ms }) => ms.max), 1000), Math.ceil);
  const x = scale(Math.min(...memories, 64), Math.max(...memories, 4096), left + 20, width - right - 20);
  const y = scale(low, high, height - bottom, top);
  const body = [
    text(left, 22, "Downtime of a move, as the program in the container saw it", 'font-size="14" font-weight="600"'),
    ...decades(low, high).map((ms) => yTick(y(ms), ms)),
    ...memories.map((memory) => text(x(memory), height - bottom + 20, size(memory), 'text-anchor="middle"')),
    text((left + width - right) / 2, height - 10, "memory of the container", 'text-anchor="middle"'),
    ...lines.map((line, i) => drawLine(line, colours[i % colours.length] ?? "#000", x, y)),
    ...lines.map((line, i) => legend(line.name, colours[i % colours.length] ?? "#000", i)),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#212529">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

/** One line for each tool and mode, the slowest first: the legend then has the order of the picture. */
function linesOf(rows: readonly Row[]): Line[] {
  const shown = rows.filter((row) => row.dirtyMBs === 0 && row.linkMbits === null && !isAside(row.case));
  const groups = Map.groupBy(shown, ({ tool, mode }) => (tool === mode ? tool : `${tool} ${mode}`));
  const lines = [...groups].map(([name, group]) => {
    const byMemory = Map.groupBy(group, ({ memoryMiB }) => memoryMiB);
    const points = [...byMemory].flatMap(([memoryMiB, same]) => {
      const ms = spreadOf(same.map((row) => row.downtimeMs));
      return ms ? [{ memoryMiB, ms }] : [];
    });
    return { name, points: points.sort((a, b) => a.memoryMiB - b.memoryMiB) };
  });
  const slowest = ({ points }: Line) => Math.max(...points.map(({ ms }) => ms.median));
  return lines.filter(({ points }) => points.length > 0).sort((a, b) => slowest(b) - slowest(a));
}

/** Cases with several processes, other memory or programs, many files, a volume or an emulated processor cannot be compared with others. */
const isAside = (name: string) => /^(vm|files|volume|shared|memfd|sysv|prefork|hot|postgres)-|\dx\d/.test(name);

type Scale = (value: number) => number;

const scale =
  (low: number, high: number, from: number, to: number): Scale =>
  (value) =>
    from + ((Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low))) * (to - from);

const decade = (value: number, round: (value: number) => number) => 10 ** round(Math.log10(value));

const decades = (low: number, high: number) =>
  Array.from({ length: Math.round(Math.log10(high / low)) + 1 }, (_, i) => low * 10 ** i);

function drawLine({ name, points }: Line, colour: string, x: Scale, y: Scale): string {
  const path = points.map(({ memoryMiB, ms }) => `${at(x(memoryMiB))},${at(y(ms.median))}`).join(" ");
  const marks = points.map(({ memoryMiB, ms }) => {
    const title = `<title>${escaped(name)}, ${size(memoryMiB)}: ${Math.round(ms.median)} ms (${Math.round(ms.min)}–${Math.round(ms.max)})</title>`;
    const whisker = `<path d="M${at(x(memoryMiB))} ${at(y(ms.min))}V${at(y(ms.max))}" stroke="${colour}" stroke-width="1"/>`;
    return `${whisker}<circle cx="${at(x(memoryMiB))}" cy="${at(y(ms.median))}" r="4" fill="${colour}">${title}</circle>`;
  });
  return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${marks.join("")}`;
}

function legend(name: string, colour: string, index: number): string {
  const line = top + 10 + index * 20;
  const start = width - right + 20;
  return `<circle cx="${start}" cy="${line - 4}" r="4" fill="${colour}"/>${text(start + 12, line, name)}`;
}

function yTick(line: number, ms: number): string {
  const rule = `<path d="M${left} ${at(line)}H${width - right}" stroke="#dee2e6"/>`;
  return rule + text(left - 8, line + 4, ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`, 'text-anchor="end"');
}

const size = (memoryMiB: number) => (memoryMiB >= 1024 ? `${memoryMiB / 1024} GiB` : `${memoryMiB} MiB`);

const text = (x: number, y: number, words: string, more = "") =>
  `<text x="${at(x)}" y="${at(y)}"${more && ` ${more}`}>${escaped(words)}</text>`;

const at = (value: number) => String(Math.round(value * 10) / 10);

const escaped = (words: string) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
