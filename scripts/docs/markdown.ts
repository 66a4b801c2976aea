export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

export const generated = (from: string): string =>
  `<!-- Made from ${from} by \`npm run docs\`; a unit test says when it is out of date. -->`;
