// How every document tool takes its document: by path, by upload handle, or inline; exactly one of them.

import { z } from 'zod'

/** The three fields, to be spread into a tool's input schema. */
export const documentFields: Readonly<Record<'path' | 'file' | 'text', z.ZodOptional<z.ZodString>>> = {
  path: z
    .string()
    .max(4096)
    .optional()
    .describe("Path of a file inside this window's project folder (absolute, or relative to it)"),
  file: z
    .string()
    .max(200)
    .optional()
    .describe('Handle of a file uploaded with `exai upload` or POST /files'),
  text: z.string().max(2_000_000).optional().describe('The text itself, when it is short'),
}
