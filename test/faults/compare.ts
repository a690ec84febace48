// Compares what came of a call with what its rule says, and says every difference in words.

import type { Vendor } from '../../simulator/vendors.ts'
import type { AttemptRow, Meeting } from './fault-server.ts'
import { bodyOf, otherOf, type Whole } from './meet.ts'
import type { Ending } from './rule.ts'

/** The whole answers by `vendor errand`. */
export type Wholes = ReadonlyMap<string, Whole | null>

/** Attempts in the notation of the rules, runs of equal ones together. */
export function inRuns(
  attempts: readonly AttemptRow[],
): readonly { readonly what: string; readonly count: number }[] {
  const runs: { what: string; count: number }[] = []
  for (const { provider, outcome, source } of attempts) {
    const paid = source === 'none' ? 'free' : source === 'provider' ? 'counted' : source
    const what = `${provider} ${outcome} ${paid}`
    const last = runs.at(-1)
    if (last?.what === what) last.count++
    else runs.push({ what, count: 1 })
  }
  return runs
}

/** The differences; none: as the rule says. `whole`: the answer of whoever answered, as it is without a fault. */
export function differences(
  meeting: Meeting,
  ending: Ending,
  vendor: Vendor,
  whole: Whole | null,
): readonly string[] {
  const { outcome, text, attempts, operator, strikes, left, detail } = meeting
  const named = (words: string): string => withNames(words, vendor)
  const found: string[] = []
  if (strikes === 0) found.push('the fault struck nobody')
  if (outcome !== named(ending.outcome)) found.push(`ends in ${outcome}, not in ${named(ending.outcome)}`)
  const runs = inRuns(attempts)
  const wanted = ending.attempts.map((each) => toRange(named(each)))
  const isAsWanted =
    runs.length === wanted.length &&
    wanted.every(({ what, least, most }, index) => {
      const run = runs[index]
      return run?.what === what && run.count >= least && run.count <= most
    })
  if (!isAsWanted) {
    const was = runs.map(({ what, count }) => (count === 1 ? what : `${what} x${count}`))
    found.push(`attempts: ${was.join(', ') || 'none'}; not: ${ending.attempts.map(named).join(', ')}`)
  }
  if (ending.told === undefined) {
    if (bodyOf(text) !== whole?.text) found.push('the window did not get the whole answer of one attempt')
    const done = attempts.findLast((attempt) => attempt.outcome === 'done')
    if (done?.source === 'provider' && done.tokens !== whole?.tokens)
      found.push(`${done.tokens} tokens counted, ${whole?.tokens} without a fault`)
  } else {
    const told = new RegExp(named(ending.told.source), ending.told.flags)
    if (!told.test(text)) found.push(`the window was not told ${told}`)
  }
  const isFailure = !named(ending.outcome).endsWith(' answers')
  const { operator: told = [], logged = ending.outcome } = ending
  const heard = [...told.map(named), ...(isFailure ? [`failed: ${logged}`] : [])]
  if (String([...operator].sort()) !== String(heard.sort()))
    found.push(
      `the operator hears: ${operator.join(', ') || 'nothing'}; not: ${heard.join(', ') || 'nothing'}`,
    )
  const status = /\(HTTP \d+/.exec(text)?.[0].slice(1)
  if (isFailure && status !== undefined && detail?.includes(status) !== true)
    found.push(`the log does not say why: ${detail ?? 'no detail'}`)
  if (meeting.hasSpilled) found.push('a key shows in the answer or in the log')
  if (left.length > 0) found.push(`left: ${left.join(', ')}`)
  return found
}

// V and O standing alone; in a pattern also between two \b.
function withNames(words: string, vendor: Vendor): string {
  const alone = (letter: string): RegExp =>
    new RegExp(`(?<=\\\\b|[^A-Za-z\\\\]|^)${letter}(?=\\\\b|[^A-Za-z]|$)`, 'g')
  return words.replace(alone('V'), vendor).replace(alone('O'), otherOf[vendor])
}

function toRange(words: string): { readonly what: string; readonly least: number; readonly most: number } {
  const [, what = words, least = '1', most = least] = /^(.+?) x(\d+)(?:-(\d+))?$/.exec(words) ?? []
  return { what, least: Number(least), most: Number(most) }
}
