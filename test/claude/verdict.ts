// Compares what a window was to do with what came back, and looks for marks of other windows in it.

import { callsOf, type Step } from './script.ts'
import type { SeenCall, WindowReport } from './window.ts'

/** One window's script, mark and report. */
export interface Played {
  readonly name: string
  readonly mark: string
  readonly steps: readonly Step[]
  readonly report: WindowReport
}

/** Everything that is wrong with the windows, as sentences. Empty: each got its own answers and nothing else. */
export function judge(windows: readonly Played[]): string[] {
  return windows.flatMap((window) => {
    const bad = [...window.report.errors]
    // A busy machine: the window says how its server stands before it has connected. The calls tell the rest.
    if (!['connected', 'pending'].includes(window.report.status))
      bad.push(`its server is "${window.report.status}"`)
    const left = [...window.report.calls]
    for (const wanted of callsOf(window.steps)) {
      const at = left.findIndex((seen) => seen.tool === wanted.tool && isSame(seen.input, wanted.input))
      const [seen] = at < 0 ? [] : left.splice(at, 1)
      if (seen === undefined) bad.push(`${wanted.job} was not answered`)
      else bad.push(...judgeCall(wanted, seen))
    }
    for (const extra of left) bad.push(`a call nobody scripted: ${extra.tool}`)
    const said = window.report.calls.map((call) => call.text).join('\n')
    for (const other of windows) {
      if (other.mark !== window.mark && said.includes(other.mark)) bad.push(`saw data of ${other.name}`)
    }
    return bad.map((sentence) => `${window.name}: ${sentence}`)
  })
}

function judgeCall(
  wanted: { readonly job: string; readonly expect?: string; readonly isError?: boolean },
  seen: SeenCall,
): string[] {
  const head = seen.text.replace(/\s+/g, ' ').slice(0, 200)
  const bad: string[] = []
  if (seen.isError !== (wanted.isError === true))
    bad.push(`${wanted.job} ${seen.isError ? 'failed' : 'did not fail'}: ${head}`)
  else if (wanted.expect !== undefined && !seen.text.includes(wanted.expect))
    bad.push(`${wanted.job} lacks its own mark: ${head}`)
  return bad
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
