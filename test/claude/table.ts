// The printed table: window, job, provider, time, and what the server added over the simulator's own time.

import { pairCalls, percentile, type TimedCall } from './added-time.ts'
import { jobWords } from './jobs.ts'
import type { PlayReport } from './play.ts'
import { callsOf } from './script.ts'

const goalMs = 150
const jobs = [
  { job: 'search', tool: 'web_search', isAbout: (about: string) => about.includes(jobWords.search) },
  { job: 'review', tool: 'codereview', isAbout: (about: string) => about.includes(jobWords.review) },
  { job: 'pdf', tool: 'analyze_document', isAbout: (about: string) => about.includes(jobWords.pdf) },
  { job: 'chat', tool: 'chat', isAbout: (about: string) => about.includes(jobWords.chat) },
  { job: 'summary', tool: 'summarize', isAbout: (about: string) => about.startsWith('Summarize') },
] as const

/** The table and the line below it. */
export function toTable(report: PlayReport): string {
  const timed = jobs.flatMap(({ job, tool, isAbout }) =>
    pairCalls(
      report.calls.filter((call) => call.tool === tool),
      report.requests.filter((request) => isAbout(request.about)),
    ).map((each) => ({ ...each, job })),
  )
  const rows = report.windows.flatMap((window) =>
    callsOf(window.steps).map(({ job, tool, input, isError }) => {
      const seen = window.report.calls.find(
        (call) => call.tool === tool && JSON.stringify(call.input) === JSON.stringify(input),
      )
      const provider =
        /(?:Answered|Searched) by ([\w-]+(?: [\w.-]+)?)\.\s*$/.exec(seen?.text ?? '')?.[1] ?? '-'
      const mine = timed.filter((each) => each.job === job && isOf(each, window.door, window.name))
      const own = closest(mine, seen?.endedAt)
      return [
        window.name,
        window.door,
        window.role,
        isError === true ? `${job} (must fail)` : job,
        provider,
        seen === undefined ? '-' : String(seen.ms),
        own === undefined || isError === true ? '-' : own.vendorMs.toFixed(0),
        own === undefined || isError === true ? '-' : own.addedMs.toFixed(0),
      ]
    }),
  )
  const added = timed.map((each) => each.addedMs)
  const well = report.calls.filter(
    (call) => call.failure === undefined && jobs.some(({ tool }) => tool === call.tool),
  ).length
  const p95 = percentile(added, 0.95)
  const head = ['window', 'door', 'day', 'job', 'provider', 'window saw ms', 'vendor ms', 'server added ms']
  return [
    'Server added: the time of a call by the log of the server, less the time of its vendor request by the log of the simulator. What',
    'lies before the server (the window, the network) is in "window saw" alone.',
    '',
    ...align([head, ...rows]),
    '',
    `${added.length} of ${well} calls that ended well are measured; ${well - added.length} without a vendor request of their own to match.`,
    `${added.length} calls measured at the server: it added ${percentile(added, 0.5).toFixed(0)} ms at the median, ${p95.toFixed(0)} ms at p95, ${Math.max(...added).toFixed(0)} ms at most (goal for p95: ${goalMs} ms, ${p95 <= goalMs ? 'met' : 'missed'}).`,
    `${report.windows.length} windows were ${report.clientsMax} clients in /api/inspect.`,
  ].join('\n')
}

// Over HTTP the label is the window's folder; over WebSocket the server knows only the connection, so the time tells.
function isOf({ call }: TimedCall, door: string, name: string): boolean {
  return call.door === door && (door === 'websocket' || call.client.split('@')[0] === name)
}

function closest(calls: readonly TimedCall[], endedAt: number | undefined): TimedCall | undefined {
  if (endedAt === undefined) return undefined
  return calls.toSorted((a, b) => Math.abs(a.call.time - endedAt) - Math.abs(b.call.time - endedAt))[0]
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) =>
        /^[\d-]+$/.test(cell) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  )
}
