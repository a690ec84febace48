// Reading JSON that a stranger sent: narrow first, then use. Nothing here throws on odd shapes.

/** A JSON object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>

/** True for a plain JSON object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The objects of an array; anything else gives an empty list. */
export function objectsOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

/** The text of a message's content, be it a string or a list of typed parts; parts that are no text are named. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return objectsOf(content)
    .map((part) => (typeof part.text === 'string' ? part.text : `(${String(part.type)})`))
    .join('\n')
}

/** A cheap deterministic 32-bit hash (FNV-1a) as eight hex digits: equal requests give equal answers. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** Tokens of a text as the simulator counts them: one for four characters, rounded up. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4)
}
