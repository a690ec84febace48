// Usage as people read it: one line a name, dearest first, and the sum.

import type { UsageLine } from './ledger.ts'

/** A table of text, or a sentence when there is nothing. `by` heads the first column. */
export function usageTable(lines: readonly UsageLine[], by: string): string {
  if (lines.length === 0) return 'Nothing was used in that time.'
  const rows = [...lines, ...(lines.length > 1 ? [sumOf(lines)] : [])].map((line) => [
    nameOf(line),
    line.calls === null ? '' : String(line.calls),
    String(line.attempts),
    String(line.failedAttempts),
    String(line.cachedAnswers),
    `${line.inputTokens}${line.estimatedAttempts > 0 ? '*' : ''}`,
    `${line.outputTokens}${line.estimatedAttempts > 0 ? '*' : ''}`,
    dollars(line.costNanoUsd),
    dollars(line.savedNanoUsd),
  ])
  const head = [by, 'calls', 'attempts', 'failed', 'cached', 'tokens in', 'tokens out', 'cost', 'saved']
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  )
  const table = [head, ...rows].map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
  const isEstimated = lines.some(({ estimatedAttempts }) => estimatedAttempts > 0)
  return [...table, ...(isEstimated ? ['* some of it estimated: the vendor did not count'] : [])].join('\n')
}

/** US dollars of whole nano-dollars, with four decimals, more below a tenth of a cent. */
export function dollars(nanoUsd: bigint): string {
  const usd = Number(nanoUsd) / 1e9
  return `$${usd !== 0 && usd < 0.001 ? usd.toFixed(6) : usd.toFixed(4)}`
}

function nameOf({ name, names }: UsageLine): string {
  return names > 1 ? `${names} more` : (name ?? '-')
}

// A call whose attempts went to two vendors stands in both lines, so calls have no sum.
function sumOf(lines: readonly UsageLine[]): UsageLine {
  const sum = (pick: (line: UsageLine) => number): number => lines.reduce((all, line) => all + pick(line), 0)
  const sumBig = (pick: (line: UsageLine) => bigint): bigint =>
    lines.reduce((all, line) => all + pick(line), 0n)
  return {
    name: 'all',
    names: 1,
    calls: null,
    attempts: sum(({ attempts }) => attempts),
    failedAttempts: sum(({ failedAttempts }) => failedAttempts),
    cachedAnswers: sum(({ cachedAnswers }) => cachedAnswers),
    estimatedAttempts: sum(({ estimatedAttempts }) => estimatedAttempts),
    inputTokens: sumBig(({ inputTokens }) => inputTokens),
    cachedInputTokens: sumBig(({ cachedInputTokens }) => cachedInputTokens),
    outputTokens: sumBig(({ outputTokens }) => outputTokens),
    costNanoUsd: sumBig(({ costNanoUsd }) => costNanoUsd),
    savedNanoUsd: sumBig(({ savedNanoUsd }) => savedNanoUsd),
  }
}
