import * as z from "zod";
import { errorReport, GodwitError } from "./errors.ts";
import { checkName, type NameKind } from "./names.ts";

/*
 * Names that become paths, URLs or arguments of commands. They are as wide as Docker itself takes them, and never lead out of the
 * folder or of the part of a URL that they name.
 */

const text = (pattern: RegExp, max: number, what: string) =>
  z
    .string()
    .max(max, `is not ${what}`)
    .regex(pattern, `is not ${what}`)
    .refine((name) => !name.split("/").some((part) => part === "." || part === ".."), `is not ${what}`);

export const containerName = text(/^[a-zA-Z0-9][\w.-]*$/, 255, "a container's name");
export const volumeName = text(/^[a-zA-Z0-9][\w.-]*$/, 255, "a volume's name");
/** Docker lets a network have nearly any name. */
export const networkName = text(/^[^\p{Cc}/]+(\/[^\p{Cc}/]+)*$/u, 255, "a network's name");
/** Also an id, or its beginning. An address of IPv6 in it has brackets. */
export const imageReference = text(/^[\w[][\w.:@+[\]-]*(\/[\w.:@+-]+)*$/, 512, "an image's name");
export const contentDigest = text(/^sha256:[0-9a-f]{64}$/, 71, "a digest");
export const containerId = text(/^[0-9a-f]{64}$/, 64, "a container's id");
/** A checkpoint's, as godwit names it; one of Docker's own is within it. */
export const checkpointName = text(/^[a-zA-Z0-9][\w.-]*$/, 255, "a checkpoint's name");
/** Of an operation or migration. */
export const operationId = text(/^[a-zA-Z0-9][a-zA-Z0-9-]*$/, 64, "an id");
/** A file among CRIU's images, in no folder. */
export const imageFileName = text(/^\w[\w.-]*$/, 255, "the name of an image of CRIU's");
/** What a rotated file of a log has behind the name of the log: `.1`, `.2.gz`. */
export const logSuffix = text(/^(\.\d+(\.gz)?)?$/, 20, "the end of a log's name");
/** A line of a configuration file must be able to hold it. */
export const absolutePath = z
  .string()
  .max(4096, "is not an absolute path")
  .regex(/^\/[^\p{Cc}]*$/u, "is not an absolute path");

/** A name that a caller gives, by the rule of `checkName`. A request with another one is answered with `refusedName`. */
export const givenName = (kind: NameKind) =>
  z.string().superRefine((name, context) => {
    try {
      checkName(kind, name);
    } catch (error) {
      const { message, hint } = errorReport(error);
      context.addIssue({ code: "custom", message, params: { invalidName: hint } });
    }
  });

/** The `invalid-name` of the first given name that does not fit, where that is among what does not fit. */
export function refusedName({ issues }: z.ZodError): GodwitError | undefined {
  const found = issues.find((issue) => issue.code === "custom" && issue.params && "invalidName" in issue.params);
  if (found?.code !== "custom") return undefined;
  return new GodwitError("invalid-name", found.message, { hint: found.params?.invalidName });
}

const treeKind = z.enum(["writable-layer", "volume", "bind"]);
const nameOfTree = { "writable-layer": containerName, volume: volumeName, bind: absolutePath };

/** For a tree of files: its name is one of its kind. */
export function checkTreeName(
  { kind, name }: { kind: z.infer<typeof treeKind>; name: string },
  context: z.RefinementCtx,
): void {
  for (const { message } of nameOfTree[kind].safeParse(name).error?.issues ?? [])
    context.addIssue({ code: "custom", path: ["name"], message });
}

/** What does not fit, each with the field that it is in. */
export const issuesOf = ({ issues }: z.ZodError): string => {
  const told = issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "));
  return [...new Set(told)].join("; ");
};
