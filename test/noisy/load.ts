// The two loads. Paced: polite windows ask evenly, with 25 % jitter, at half their share, whatever became of the call before;
// the noisy ones ask as much as their shape says. Closed: everybody keeps its number of calls in flight.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Ask, Contestant } from './contestant.ts'
import { type NoisyWindow, partiesOf, type Shape } from './shapes.ts'

/** Requests the vendor takes at once, and how long each takes in milliseconds. */
export interface Vendor {
  readonly slots: number
  readonly serviceMs: number
}

/** What polite windows met. Milliseconds. */
export interface PacedResult {
  readonly waits: readonly number[]
  /** Calls of polite windows that were refused: each would have fitted. */
  readonly refused: number
  /** Polite windows that were never answered. */
  readonly starved: number
  /** Calls of noisy windows that found their own places taken. */
  readonly noisyRefused: number
}

/** What everybody got when everybody asked. */
export interface ClosedResult {
  readonly served: Readonly<Record<string, number>>
  readonly refused: number
}

const jitter = 0.25
const warmUpMs = 1_500
// Noise goes on so long at most while the last polite calls are answered.
const tailMs = 12_000
// Where nothing bounds a noisy window but this program.
const openCallsMax = 400

/** Runs the paced load for `forMs`; without the noisy windows if `isAlone`. */
export async function paced(
  contestant: Contestant,
  shape: Shape,
  vendor: Vendor,
  forMs: number,
  isAlone: boolean,
): Promise<PacedResult> {
  const stop = new AbortController()
  const noiseEnds = new AbortController()
  const share = vendor.slots / vendor.serviceMs / partiesOf(shape).length
  const periodMs = 1 / (share / 2)
  const polite = shape.windows.filter(({ isPolite }) => isPolite)
  const noisy = isAlone ? [] : shape.windows.filter(({ isPolite }) => !isPolite)
  let noisyRefused = 0
  const noise = noisy.flatMap((window): readonly Promise<void>[] => {
    const onEnd = (ask: Ask): void => {
      if (ask !== 'served') noisyRefused++
    }
    if (window.timesAsBusy !== null) {
      return [
        every(
          periodMs / window.timesAsBusy,
          0,
          noiseEnds.signal,
          asker(contestant, window, noiseEnds.signal, onEnd),
        ),
      ]
    }
    return Array.from({ length: window.parallel }, () =>
      loop(contestant, window, vendor, noiseEnds.signal, onEnd),
    )
  })
  if (!isAlone) await sleep(warmUpMs)
  const waits: number[] = []
  const answered = new Set<string>()
  let refused = 0
  const calls: Promise<void>[] = []
  const paces = polite.map((window) =>
    every(periodMs, jitter, stop.signal, () => {
      const startedAt = performance.now()
      const call = contestant.ask(window, noiseEnds.signal)
      calls.push(
        call.then((ask) => {
          waits.push(performance.now() - startedAt)
          if (ask === 'served') answered.add(window.name)
          else refused++
        }),
      )
    }),
  )
  await sleep(forMs)
  stop.abort()
  await Promise.all(paces)
  const ended = new AbortController()
  await Promise.race([Promise.all(calls), sleep(tailMs, undefined, { signal: ended.signal })])
  ended.abort()
  noiseEnds.abort()
  await Promise.all([...calls, ...noise])
  await contestant.settle()
  return { waits, refused, starved: polite.length - answered.size, noisyRefused }
}

/** Runs the closed load for `forMs` after a warm-up. */
export async function closed(
  contestant: Contestant,
  shape: Shape,
  vendor: Vendor,
  forMs: number,
): Promise<ClosedResult> {
  const stop = new AbortController()
  const served = Object.fromEntries(partiesOf(shape).map((party) => [party, 0]))
  let refused = 0
  let isCounting = false
  const loops = shape.windows.flatMap((window) =>
    Array.from({ length: window.parallel }, () =>
      loop(contestant, window, vendor, stop.signal, (ask) => {
        if (!isCounting) return
        if (ask === 'served') served[window.party] = (served[window.party] ?? 0) + 1
        else refused++
      }),
    ),
  )
  await sleep(warmUpMs)
  isCounting = true
  await sleep(forMs)
  isCounting = false
  stop.abort()
  await Promise.all(loops)
  await contestant.settle()
  return { served, refused }
}

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((all, value) => all + value, 0)
  const squares = values.reduce((all, value) => all + value * value, 0)
  return squares === 0 ? 0 : (sum * sum) / (values.length * squares)
}

/** The value below which a share `p` of them lies. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN
}

function asker(
  contestant: Contestant,
  window: NoisyWindow,
  signal: AbortSignal,
  onEnd: (ask: Ask) => void,
): () => void {
  let open = 0
  return () => {
    if (open >= openCallsMax) return onEnd('refused')
    open++
    void contestant.ask(window, signal).then((ask) => {
      open--
      if (!signal.aborted) onEnd(ask)
    })
  }
}

async function loop(
  contestant: Contestant,
  window: NoisyWindow,
  { serviceMs }: Vendor,
  signal: AbortSignal,
  onEnd: (ask: Ask) => void,
): Promise<void> {
  while (!signal.aborted) {
    const ask = await contestant.ask(window, signal)
    if (signal.aborted) return
    onEnd(ask)
    // Who was refused comes back after the time of a call.
    if (ask !== 'served') await resting(serviceMs, signal)
  }
}

// Kept to the plan, not to the last turn: a late turn does not thin the load.
async function every(periodMs: number, spread: number, signal: AbortSignal, run: () => void): Promise<void> {
  let at = performance.now() + periodMs * Math.random()
  while (!signal.aborted) {
    await resting(at - performance.now(), signal)
    if (signal.aborted) return
    run()
    at += periodMs * (1 + spread * (2 * Math.random() - 1))
  }
}

async function resting(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return
  // The end of the load is no failure.
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
