import * as z from "zod";
import { checkpointRecord, checkpointSummary } from "../../src/contract/checkpoint.ts";
import { containerSummary, verdict } from "../../src/contract/facts.ts";
import { migration, migrationPlan, migrationResult } from "../../src/contract/migration.ts";
import { operation, operationEvent, progress, step } from "../../src/contract/operations.ts";
import { agentUsage, doctorReport, recovery, runResult } from "../../src/contract/routes.ts";

const named: [string, z.ZodType][] = [
  ["Verdict", verdict],
  ["DoctorReport", doctorReport],
  ["AgentUsage", agentUsage],
  ["Container", containerSummary],
  ["CheckpointSummary", checkpointSummary],
  ["CheckpointRecord", checkpointRecord],
  ["MigrationPlan", migrationPlan],
  ["MigrationResult", migrationResult],
  ["Migration", migration],
  ["RunResult", runResult],
  ["Recovery", recovery],
  ["Operation", operation],
  ["Event", operationEvent],
  ["Step", step],
  ["Progress", progress],
];

/** What is not a schema of the contract. */
const others = `Lab {
  name: string
  kind: "namespace" | "vm"
  hosts: { name: string, pid?: number, address: string, release: "trixie" | "forky", docker?: string, agent: boolean }[]
}

ErrorReport {
  code: string
  message: string
  hint?: string
  details?: string[]
}`;

type Schema = z.core.JSONSchema.BaseSchema;

/** The JSON shapes of the contract, by their names, in the manner of TypeScript. */
export function shapes(): string {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of named) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => id, unrepresentable: "any", io: "output" });
  const texts = named.map(([name]) => `${name} ${render(schemas[name] ?? {}, "").replace(/^(?!\{)/, "= ")}`);
  return [...texts, others].join("\n\n");
}

function render(schema: Schema, indent: string): string {
  if (schema.$ref) return schema.$ref;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = (schema.anyOf ?? schema.oneOf) as Schema[] | undefined;
  if (choices)
    return union(
      choices.map((choice) => render(choice, indent)),
      indent,
    );
  if (schema.type === "array") return list(render(schema.items as Schema, indent));
  if (schema.type === "object" && schema.properties) return object(schema, indent);
  if (schema.type === "object") return "object";
  // A simple type that may be null is a list of two.
  return schema.type === undefined ? "unknown" : [schema.type].flat().join(" | ");
}

const union = (choices: string[], indent: string) =>
  choices.join(" | ").length < 100 ? choices.join(" | ") : choices.map((choice) => `\n${indent}| ${choice}`).join("");

const list = (item: string) => (/ \| /.test(item) && !item.startsWith("{") ? `(${item})[]` : `${item}[]`);

function object(schema: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const mark = schema.required?.includes(key) ? "" : "?";
    // The one shape that the contract describes with a type alone.
    const text = render(value as Schema, inner).replace("unknown", key === "error" ? "ErrorReport" : "unknown");
    return `${inner}${key}${mark}: ${text}`;
  });
  const short = `{ ${fields.map((field) => field.trim()).join(", ")} }`;
  return indent !== "" && short.length < 90 && !short.includes("\n") ? short : `{\n${fields.join("\n")}\n${indent}}`;
}
