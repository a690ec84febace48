// The known name nearest to a mistyped one, for "did you mean" sentences.

/** The closest of `known` within `editsMax` (a third of the name's length, rounded up), without case; null when none is near. */
export function nearestName(name: string, known: readonly string[], editsMax?: number): string | null {
  const wanted = name.slice(0, 64).toLowerCase()
  let best: string | null = null
  let bestDistance = (editsMax ?? Math.ceil(wanted.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.slice(0, 64).toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

// Levenshtein over one row: inputs are at most 64 characters.
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
