// Many windows before one slot: what each saw, and what it was told while it waited.

import type { PlayReport } from './play.ts'

const trapMs = 60_000

/** What is wrong with the line, as sentences. */
export function judgeLine({ windows, heard }: PlayReport, serviceMs: number): string[] {
  const bad: string[] = []
  const places = heard.filter(({ message }) => /: (next|\d+(st|nd|rd|th) of \d+)/.test(message))
  const told = new Set(places.map((each) => each.heard)).size
  // The first finds the slot free and waits for nothing.
  if (told < windows.length - 1) {
    bad.push(`${told} windows were told their place; ${windows.length - 1} had to wait`)
  }
  const times = timesOf(windows)
  const longest = times.at(-1) ?? 0
  if ((windows.length - 1) * serviceMs > trapMs && longest <= trapMs)
    bad.push(`the last window waited ${longest} ms, not past ${trapMs} ms`)
  for (const [index, ms] of times.entries()) {
    if (ms < (index + 1) * serviceMs * 0.9)
      bad.push(`two windows were served at once: ${index + 1} of them had finished after ${ms} ms`)
  }
  return bad
}

/** Windows in the order in which they were served, and what the last one heard. */
export function toLineTable(report: PlayReport): string {
  const rows = report.windows
    .flatMap(({ name, door, report: { calls } }) =>
      calls.map(({ ms, isError }) => ({ name, door, ms, isError })),
    )
    .toSorted((a, b) => a.ms - b.ms)
    .map(
      ({ name, door, ms, isError }, index) =>
        `${String(index + 1).padStart(3)}. ${name.padEnd(10)} ${door.padEnd(9)} ${(ms / 1000).toFixed(1).padStart(6)} s  ${isError ? 'failed' : 'answered'}`,
    )
  const byCall = Map.groupBy(report.heard, ({ heard }) => heard)
  const longest = [...byCall.values()].toSorted((a, b) => b.length - a.length)[0] ?? []
  return [
    ...rows,
    '',
    `${byCall.size} calls heard where they stand, ${report.heard.length} messages. The one that heard most:`,
    ...longest.map(({ message }) => `  ${message}`),
  ].join('\n')
}

function timesOf(windows: PlayReport['windows']): readonly number[] {
  return windows.flatMap(({ report }) => report.calls.map(({ ms }) => ms)).toSorted((a, b) => a - b)
}
