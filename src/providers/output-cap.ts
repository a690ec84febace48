// The cap on the output, as a host without papers takes it: under one of two names, and no higher than it says. A request never goes
// without one: what an answer may cost is set aside by the cap, and a model that has none writes to the end of its window.

/** Names under which hosts take it; the first is the older one, and most know it. */
export const capNames = ['max_tokens', 'max_completion_tokens'] as const

/** What a host has said of the cap. */
export interface CapWord {
  /** The highest it takes; null: it did not say. */
  readonly max: number | null
}

/** What a refusal says of the cap `asked`; null: it is about something else. */
export function capWordIn(said: string, asked: number): CapWord | null {
  if (!capNames.some((name) => new RegExp(`\\b${name}\\b`).test(said))) return null
  const numbers = [...said.matchAll(limits)].map(([, digits = '']) => Number(digits.replace(/[,_]/g, '')))
  const lower = numbers.filter((each) => each >= 1 && each < asked)
  return { max: lower.length === 0 ? null : Math.min(...lower) }
}

// "at most 2048", "less than or equal to `8192`", "[1, 8192]", "between 1 and 4096", "100000 > 8192", "maximum allowed value is 512".
const limits =
  /(?:at most|up to|(?:no|not) (?:more|larger|greater) than|less than(?: or equal to)?|not exceed|maximum[a-z ]*(?:of|is|:)|limit(?:ed)?[a-z ]*(?:of|is|to|:)|<=?|≤|>|\[\s*\d+\s*,|between\s+\d+\s+and)\s*[`'"]?(\d(?:[\d,_]*\d)?)(?!\w|\.\d)/gi
