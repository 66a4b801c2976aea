import * as z from "zod";
import * as checkpoint from "../../src/contract/checkpoint.ts";
import * as errors from "../../src/contract/error-report.ts";
import * as facts from "../../src/contract/facts.ts";
import * as migration from "../../src/contract/migration.ts";
import * as operations from "../../src/contract/operations.ts";
import * as routes from "../../src/contract/routes.ts";

/** Shapes for which the contract has no schema. */
const others = `Lab {
  name: string
  kind: "namespace" | "vm"
  hosts: { name: string, pid?: number, address: string, release: "trixie" | "forky", docker?: string, agent: boolean }[]
}`;

type Schema = z.core.JSONSchema.BaseSchema;

/**
 * The shapes whose names are in a text, and those whose names are in these shapes, in the notation of TypeScript, sorted by name.
 * A shape has the name of its schema in the contract.
 */
export function shapes(text: string): string {
  const registry = z.registry<{ id: string }>();
  for (const [name, schema] of exported) registry.add(schema, { id: name });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => id, unrepresentable: "any", io: "output" });
  const texts = new Map<string, string>();
  const show = (from: string) => {
    for (const name of exported.keys()) {
      if (texts.has(name) || !new RegExp(`\\b${name}\\b`).test(from)) continue;
      texts.set(name, "");
      const shape = `${name} ${render(schemas[name] ?? {}, "").replace(/^(?!\{)/, "= ")}`;
      texts.set(name, shape);
      show(shape);
    }
  };
  show(text);
  return [...[...texts.values()].sort(), others].join("\n\n");
}

/** Schemas with a shorter name in the page. */
const renamed: Record<string, string> = { OperationEvent: "Event", ContainerSummary: "Container" };
const nameOf = (key: string) => {
  const name = key.charAt(0).toUpperCase() + key.slice(1);
  return renamed[name] ?? name;
};

/** The schemas of objects that the contract exports, by the names of their types. */
const exported = new Map(
  [checkpoint, errors, facts, migration, operations, routes].flatMap((module) =>
    Object.entries(module).flatMap(([name, value]): [string, z.ZodType][] =>
      value instanceof z.ZodObject || value instanceof z.ZodUnion ? [[nameOf(name), value]] : [],
    ),
  ),
);

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
  // A simple type that may be null is a list of two types.
  return schema.type === undefined ? "unknown" : [schema.type].flat().join(" | ");
}

const union = (choices: string[], indent: string) =>
  choices.join(" | ").length < 100 ? choices.join(" | ") : choices.map((choice) => `\n${indent}| ${choice}`).join("");

const list = (item: string) => (/ \| /.test(item) && !item.startsWith("{") ? `(${item})[]` : `${item}[]`);

function object(schema: Schema, indent: string): string {
  const inner = `${indent}  `;
  const fields = Object.entries(schema.properties ?? {}).map(([key, value]) => {
    const mark = schema.required?.includes(key) ? "" : "?";
    return `${inner}${key}${mark}: ${render(value as Schema, inner)}`;
  });
  const short = `{ ${fields.map((field) => field.trim()).join(", ")} }`;
  return indent !== "" && short.length < 90 && !short.includes("\n") ? short : `{\n${fields.join("\n")}\n${indent}}`;
}
