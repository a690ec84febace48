// Checks what a person filled in against the form that was shown: clients should do so, and we do not rely on it.

import { z } from 'zod'
import type { FormContent, FormField, FormSchema } from '../../../domain/asking.ts'

const problemsMax = 5
const textCharsMax = 20_000

/** The content, without fields that nobody asked for; or what is wrong with it, in a sentence. */
export function checkFormContent(content: unknown, schema: FormSchema): FormContent | string {
  const required = new Set(schema.required)
  const fields: Record<string, z.ZodType> = {}
  for (const [name, field] of Object.entries(schema.properties)) {
    const type = typeOf(field)
    fields[name] = required.has(name) ? type : type.optional()
  }
  const checked = z.object(fields).safeParse(content ?? {})
  if (checked.success) {
    const given = Object.entries(checked.data).filter(([, value]) => value !== undefined)
    return Object.fromEntries(given) as FormContent
  }
  return checked.error.issues
    .slice(0, problemsMax)
    .map(
      ({ path, message }) => `"${path.join('.') || 'content'}": ${message.replace(/^Invalid input: /, '')}`,
    )
    .join('; ')
}

function typeOf(field: FormField): z.ZodType {
  switch (field.type) {
    case 'boolean':
      return z.boolean()
    case 'number':
    case 'integer': {
      const base = field.type === 'integer' ? z.int() : z.number()
      return base
        .min(field.minimum ?? Number.NEGATIVE_INFINITY)
        .max(field.maximum ?? Number.POSITIVE_INFINITY)
    }
    case 'array': {
      const values =
        'enum' in field.items ? field.items.enum : field.items.anyOf.map((choice) => choice.const)
      return z
        .array(z.enum(values as string[]))
        .min(field.minItems ?? 0)
        .max(field.maxItems ?? values.length)
    }
    default: {
      if ('enum' in field) return z.enum(field.enum as string[])
      if ('oneOf' in field) return z.enum(field.oneOf.map((choice) => choice.const))
      const { minLength = 0, maxLength = textCharsMax, format } = field
      const text = z.string().min(minLength).max(Math.min(maxLength, textCharsMax))
      return format === undefined ? text : text.check(formats[format])
    }
  }
}

const formats = {
  email: z.email(),
  uri: z.url(),
  date: z.iso.date(),
  'date-time': z.iso.datetime({ offset: true }),
}
