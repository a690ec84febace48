// Whether first tokens come lastingly later than usual: where a vendor queues what is too much instead of refusing it, nothing else
// tells. Each is compared with what is usual at its own model, since a group may hold slow and fast ones. One slow answer says nothing,
// and neither does the middle of few. Pure: the caller brings the time.

import { BoundedMap } from '../lib/bounded-map.ts'

interface Usual {
  ms: number
  seen: number
}

/** First tokens of one group. Times in milliseconds. */
export class FirstTokens {
  readonly #usual = new BoundedMap<string, Usual>(modelsMax)
  /** How many times the usual the last ones took. */
  readonly #recent: number[] = []
  #since = 0

  /** A first token came `ms` after its request began, `now`. True: the middle one of the last nine took more than twice the usual. */
  areLate(ms: number, now: number, model: string): boolean {
    const usual = this.#usual.getOrCreate(model, () => ({ ms, seen: 0 }))
    const times = ms / usual.ms
    const isKnown = usual.seen >= usualMin
    usual.seen++
    usual.ms += Math.max(usualShare, 1 / usual.seen) * (Math.min(ms, outlierTimes * usual.ms) - usual.ms)
    if (!isKnown || now - ms < this.#since) return false
    this.#recent.push(times)
    if (this.#recent.length > recentMax) this.#recent.shift()
    if (this.#recent.length < recentMax) return false
    const middle = [...this.#recent].sort((a, b) => a - b)[(recentMax - 1) / 2]
    return middle !== undefined && middle > lateTimes
  }

  /** Something was done about it: only what begins from now on counts again, so that one wait is never answered twice. */
  answered(now: number): void {
    this.#recent.length = 0
    this.#since = now
  }
}

const modelsMax = 64
const recentMax = 9
// Until so many were seen nobody knows what is usual; then each new one moves it by a fiftieth.
const usualMin = 20
const usualShare = 0.02
// What counts for no more, so that one answer that took ages does not make all the others early.
const outlierTimes = 4
const lateTimes = 2
