import * as z from "zod";
import { type ErrorCode, type ErrorReport, errorCatalogue } from "./errors.ts";

/** An error that crosses a process boundary, parsed. An unknown code (from a newer agent) becomes `internal`. */
export const errorReportSchema = z.object({
  code: z
    .string()
    .transform((code): ErrorCode => (Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : "internal")),
  message: z.string(),
  hint: z.string().optional(),
  details: z.array(z.string()).optional(),
}) satisfies z.ZodType<ErrorReport>;
