// A value that somebody who types an argument may mean.

/** One suggestion: the value itself, and words by which a person would look for it. */
export interface Suggestion {
  readonly value: string
  /** Such as a conversation's first words, where the value is a handle that says nothing. */
  readonly label?: string
}

/** Those that fit what was typed so far: values that begin so, then labels with a word that does, then whatever holds it. */
export function fitting(typed: string, suggestions: readonly Suggestion[]): readonly string[] {
  const wanted = typed.trim().toLowerCase()
  const ranked: string[][] = [[], [], []]
  for (const { value, label } of suggestions) {
    const rank = rankOf(wanted, value.toLowerCase(), label?.toLowerCase() ?? '')
    if (rank !== null) ranked[rank]?.push(value)
  }
  return [...new Set(ranked.flat())]
}

function rankOf(wanted: string, value: string, label: string): number | null {
  if (value.startsWith(wanted)) return 0
  if (label.startsWith(wanted) || label.includes(` ${wanted}`)) return 1
  return value.includes(wanted) || label.includes(wanted) ? 2 : null
}
