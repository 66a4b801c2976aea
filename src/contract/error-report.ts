import * as z from "zod";
import { type ErrorCode, type ErrorReport, errorCatalogue } from "./errors.ts";

const knownCode = (code: string) => (Object.hasOwn(errorCatalogue, code) ? code : "internal");

/** An error that crosses a process boundary, parsed. An unknown code (from a newer agent) becomes `internal`. */
export const errorReport = z.object({
  code: z.string().overwrite(knownCode) as z.ZodType<string> as z.ZodType<ErrorCode>,
  message: z.string(),
  hint: z.string().optional(),
  details: z.array(z.string()).optional(),
}) satisfies z.ZodType<ErrorReport>;
