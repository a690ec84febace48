// The demo's stage: who is served and who waits, folded from what the windows hear, drawn as lines of text. Pure.

import { styleText } from 'node:util'
import type { QueueOrder } from '../../admission/fair-queue.ts'

/** One scripted window as the stage sees it. Times in milliseconds of the demo's clock. */
export interface DemoWindow {
  readonly label: string
  readonly color: 'green' | 'cyan' | 'magenta' | 'yellow' | 'blue' | 'red'
  readonly isGreedy: boolean
  /** The last thing the server said of each call that still runs. */
  readonly running: ReadonlyMap<number, DemoCall>
  readonly served: number
  readonly refused: number
}

/** A call on the stage. */
export interface DemoCall {
  readonly tool: string
  readonly state: 'waits' | 'served'
  readonly since: number
  readonly message: string
}

/** Everything that is drawn. `strip` holds the labels of those served, oldest first. */
export interface DemoStage {
  readonly windows: readonly DemoWindow[]
  readonly strip: readonly string[]
  readonly startedAt: number
  /** Who is next at the vendors. */
  readonly order: QueueOrder
  /** Whether a key changes the order: only where there is a keyboard. */
  readonly hasSwitch: boolean
}

/** Answers that the shares are of: some twenty seconds of the demo, five for each window where all share. */
const sharedAnswers = 30

/** Draws the stage at `now` within `width` columns; colours only if `isColored`. */
export function drawStage(
  stage: DemoStage,
  now: number,
  width: number,
  isColored: boolean,
): readonly string[] {
  const paint = (color: DemoWindow['color'] | 'dim' | 'bold', text: string): string =>
    isColored ? styleText(color, text, { validateStream: false }) : text
  const label = Math.max(...stage.windows.map((window) => window.label.length))
  const rows = stage.windows.map((window) => {
    const calls = [...window.running.values()]
    const served = calls.filter(({ state }) => state === 'served')
    const waits = calls.filter(({ state }) => state === 'waits')
    const doing = describe(served, waits, now)
    const name = `${window.label.padEnd(label)} ${window.isGreedy ? 'greedy' : '      '}`
    const line = `${name}  ${String(window.served).padStart(3)} answered  ${doing}`
    return paint(window.color, line.slice(0, Math.max(20, width - 2)))
  })
  return [
    paint('bold', 'Who is served and who waits (every answer is simulated; Ctrl-C ends the demo)'),
    drawOrder(stage, paint),
    '',
    ...rows,
    '',
    `Last answers, oldest first: ${drawStrip(stage, Math.max(10, width - 30), isColored)}`,
    ...drawShares(stage, paint),
  ]
}

function drawOrder(
  { order, hasSwitch }: DemoStage,
  paint: (color: 'green' | 'red', text: string) => string,
): string {
  const now =
    order === 'fair'
      ? paint('green', 'Queue: fair, everybody has a share')
      : paint('red', 'Queue: first come, first served: whoever asks most has most')
  return hasSwitch ? `${now}. Press f to change it.` : now
}

function describe(served: readonly DemoCall[], waits: readonly DemoCall[], now: number): string {
  const pieces: string[] = []
  if (served.length > 0) {
    const names = served.map(({ tool, since }) => `${tool} ${seconds(now - since)}`).join(', ')
    pieces.push(`▶ ${names}`)
  }
  const first = waits[0]
  if (first) {
    const more = waits.length > 1 ? ` (and ${waits.length - 1} more)` : ''
    pieces.push(`… ${first.tool}: ${first.message}${more}`)
  }
  return pieces.join('   ') || '- idle'
}

function drawStrip(stage: DemoStage, length: number, isColored: boolean): string {
  return stage.strip
    .slice(-length)
    .map((label) => {
      const window = stage.windows.find((each) => each.label === label)
      const mark = isColored ? '█' : (label[0] ?? '?')
      return window && isColored ? styleText(window.color, mark, { validateStream: false }) : mark
    })
    .join('')
}

// Of the last answers, not of all: a change of the order is to be seen, and who had more before must not hide it for minutes.
function drawShares(
  { strip, windows }: DemoStage,
  paint: (color: DemoWindow['color'], text: string) => string,
): readonly string[] {
  const last = strip.slice(-sharedAnswers)
  if (last.length === 0) return []
  const shares = windows.map(({ label, color }) => {
    const own = last.filter((each) => each === label).length
    return paint(color, `${label} ${Math.round((100 * own) / last.length)} %`)
  })
  return [`Shares of the last ${last.length}: ${shares.join('  ')}`]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
