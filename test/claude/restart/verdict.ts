// What became of the calls, by window, and whether that is what was promised.

import type { SeenCall } from '../window.ts'
import type { LoggedEvent, Restart } from './lives.ts'
import type { RestartReport, WindowKind } from './play.ts'

/** The sums. Every call is served, failed or lost. */
export interface RestartSums {
  readonly windows: number
  readonly kills: number
  readonly planned: number
  readonly callsMade: number
  readonly served: number
  /** With an error, around a kill: at most once for each window and kill. */
  readonly failedOnce: number
  readonly lost: number
  /** With an error, and no kill was near. */
  readonly failedInPlannedRestart: number
  readonly vendorRequestsTwice: number
  /** Made behind a bridge while there was no server after a kill, and served. */
  readonly waitedForServer: number
  /** Of those that failed: repeated by the window itself, and refused for having been at a vendor. */
  readonly repeatsRefused: number
  /** 2025-era sessions over HTTP that a window opened beside its first, after a kill and after a planned restart. */
  readonly sessionsReinitialised: number
  readonly sessionsReinitialisedPlanned: number
  /** And those that went on by their ids. */
  readonly sessionsResumed: number
  /** WebSockets dialled again; with each, a session begins. */
  readonly webSocketsReopened: number
  /** The longest that a window took to tell its model of a failure, in seconds, by how it is connected. */
  readonly toldAfterSeconds: Readonly<Partial<Record<WindowKind, number>>>
}

/** What the clocks of two processes' logs may differ by. */
const slackMs = 100
/** How soon after a kill a bridge must know of it: what it passed on before is lost with the server. */
const noticedMs = 500

interface Row {
  readonly name: string
  readonly kind: WindowKind
  readonly made: number
  readonly served: number
  readonly failedOnce: number
  readonly lost: number
  readonly failedPlanned: number
  /** Failures of one kill beyond the first. */
  readonly again: number
  readonly toldAfterMs: number
}

/** The table, the sums, and what is wrong. */
export function judgeRestarts(report: RestartReport): {
  readonly table: string
  readonly sums: RestartSums
  readonly errors: readonly string[]
} {
  const kills = report.restarts.filter(({ kind }) => kind === 'killed')
  const errors = [...report.errors]
  const rows = report.windows.map(({ name, kind, report: { calls, errors: own } }): Row => {
    const bad = calls.filter((call) => !isServed(call))
    // Who takes long to give up may hear of a first kill after the second.
    const byKill = kills.map((kill) =>
      bad.filter((call) => kills.find((each) => isNear(call, each)) === kill),
    )
    const planned = bad.filter((call) => !kills.some((kill) => isNear(call, kill)))
    if (kind === 'bridge')
      for (const call of bad.filter((call) => kills.some((kill) => isMadeWithout(call, kill, noticedMs))))
        errors.push(`${name}: made while there was no server, and not served: ${call.text.slice(0, 300)}`)
    for (const call of planned)
      errors.push(`${name} (${kind}): failed and no kill was near: ${call.text.slice(0, 300)}`)
    const lost = own.filter((error) => error.startsWith('no result for')).length
    errors.push(...own.map((error) => `${name} (${kind}): ${error}`))
    const again = byKill.reduce((sum, failed) => sum + Math.max(0, failed.length - 1), 0)
    if (again > 0) errors.push(`${name} (${kind}): failed ${again} times more than once for a kill`)
    const last = calls.at(-1)
    if (last === undefined || !isServed(last)) errors.push(`${name} (${kind}): its last call was not served`)
    return {
      name,
      kind,
      made: calls.length + lost,
      served: calls.length - bad.length,
      failedOnce: bad.length - planned.length,
      lost,
      failedPlanned: planned.length,
      again,
      toldAfterMs: Math.max(0, ...bad.map(({ ms }) => ms)),
    }
  })
  const twice = requestedTwice(report)
  for (const { mark, told } of twice) errors.push(`the vendor was asked twice for ${mark} ${told}`)
  const sum = (of: (row: Row) => number): number => rows.reduce((total, row) => total + of(row), 0)
  const opened = afterFirst(report.sessions.opened)
  const reinitialised = (kind: Restart['kind']): number =>
    opened.filter(({ time }) => report.restarts.findLast(({ at }) => at <= time)?.kind === kind).length
  const told = (kind: WindowKind): number =>
    Math.max(0, ...rows.filter((row) => row.kind === kind).map(({ toldAfterMs }) => toldAfterMs)) / 1_000
  const sums: RestartSums = {
    windows: rows.length,
    kills: kills.length,
    planned: report.restarts.length - kills.length,
    callsMade: sum(({ made }) => made),
    served: sum(({ served }) => served),
    failedOnce: sum(({ failedOnce }) => failedOnce),
    lost: sum(({ lost }) => lost),
    failedInPlannedRestart: sum(({ failedPlanned }) => failedPlanned),
    vendorRequestsTwice: twice.length,
    waitedForServer: report.windows
      .filter(({ kind }) => kind === 'bridge')
      .flatMap((each) => each.report.calls)
      .filter((call) => isServed(call) && kills.some((kill) => isMadeWithout(call, kill, 0))).length,
    repeatsRefused: report.windows.flatMap((each) => each.report.calls).filter(isRefusedRepeat).length,
    sessionsReinitialised: reinitialised('killed'),
    sessionsReinitialisedPlanned: reinitialised('replaced'),
    sessionsResumed: report.sessions.resumed.length,
    webSocketsReopened: afterFirst(report.sockets).length,
    toldAfterSeconds: Object.fromEntries(
      [...new Set(rows.map(({ kind }) => kind))].map((kind) => [kind, Math.round(told(kind) * 10) / 10]),
    ),
  }
  if (sums.waitedForServer === 0)
    errors.push('no bridge was called while there was no server: nothing was shown of that')
  return { table: toTable(rows), sums, errors }
}

function isRefusedRepeat({ isError, text }: SeenCall): boolean {
  return isError && text.startsWith('This call was cut')
}

/** Without the first of each window. */
function afterFirst(events: readonly LoggedEvent[]): readonly LoggedEvent[] {
  const byTime = events.toSorted((a, b) => a.time - b.time)
  return byTime.filter(({ label }, i) => byTime.findIndex((each) => each.label === label) < i)
}

function isServed({ isError, text, input }: SeenCall): boolean {
  return !isError && text.includes(String(input.prompt).split(' ')[0] ?? '')
}

// It was under way, or begun, while there was no server.
function isNear({ endedAt, ms }: SeenCall, { at, upAt }: Restart): boolean {
  return endedAt >= at - slackMs && endedAt - ms <= upAt + slackMs
}

// It was begun while there was no server: so much later than the kill.
function isMadeWithout({ endedAt, ms }: SeenCall, { at, upAt }: Restart, laterMs: number): boolean {
  return endedAt - ms > at + laterMs && endedAt - ms < upAt
}

interface Twice {
  readonly mark: string
  /** When, beside the restarts, in seconds of the play. */
  readonly told: string
}

function requestedTwice({ requests, restarts }: RestartReport): readonly Twice[] {
  const byMark = Map.groupBy(requests, ({ about }) => /^\S+;/.exec(about)?.[0] ?? '')
  byMark.delete('')
  const start = Math.min(...requests.map(({ startedAt }) => startedAt))
  const seconds = (at: number): string => ((at - start) / 1_000).toFixed(1)
  const when = restarts.map(({ kind, at, upAt }) => `${kind} ${seconds(at)} to ${seconds(upAt)}`).join(', ')
  return [...byMark]
    .filter(([, all]) => all.length > 1)
    .map(([mark, all]) => {
      const asked = all.map((one) => `${seconds(one.startedAt)} to ${seconds(one.endedAt)} ${one.outcome}`)
      return { mark, told: `(${asked.join(', ')}; server ${when})` }
    })
}

function toTable(rows: readonly Row[]): string {
  const head = [
    'window',
    'connected by',
    'made',
    'served',
    'failed once',
    'lost',
    'failed, planned',
    'again',
    'told after',
  ]
  const body = rows.map((row) => [
    row.name,
    row.kind,
    ...[row.made, row.served, row.failedOnce, row.lost, row.failedPlanned, row.again].map(String),
    row.toldAfterMs === 0 ? '' : `${(row.toldAfterMs / 1_000).toFixed(1)} s`,
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...body.map((cells) => cells[i]?.length ?? 0)))
  return [head, ...body]
    .map((cells) =>
      cells
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
