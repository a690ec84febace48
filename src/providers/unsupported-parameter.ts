// Hosts refuse parameters they do not know with a 400 that names them. Which one it was is read here, and remembered per
// model, so that the next request leaves it out from the start. The cap on the output is never left out: it goes under its
// other name, or as low as the host says.

import { CallFailure } from '../domain/failure.ts'
import type { Clock } from '../lib/clock.ts'
import { capNames, capWordIn } from './output-cap.ts'

/** Parameters a request is complete without. */
const optional = [
  'stream_options',
  'temperature',
  'reasoning_effort',
  'response_format',
  'tool_choice',
  'user',
] as const

const modelsMax = 256
// What a host said of one request may not be true of the next: after so long it is asked for the whole cap again.
const capMaxMs = 3_600_000

type Body = Readonly<Record<string, unknown>>

/** What is known of one model's host. */
interface Known {
  readonly refused: ReadonlySet<string>
  readonly capName: (typeof capNames)[number]
  readonly capMax: number
  /** Until when `capMax` binds, in monotonic milliseconds. */
  readonly capUntil: number
}

const nothingKnown: Known = {
  refused: new Set(),
  capName: 'max_tokens',
  capMax: Number.POSITIVE_INFINITY,
  capUntil: 0,
}

/** Per model, what its host refused; the least recently learnt model is forgotten beyond 256. */
export class UnsupportedParameters {
  readonly #clock: Clock
  readonly #byModel = new Map<string, Known>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `body`, which has no cap on its output yet, as the model's host takes it, with a cap no higher than `cap`. */
  fit<Whole extends Body>(model: string, body: Whole, cap: number): Whole {
    const { refused, capName, capMax } = this.#known(model)
    const kept = Object.entries(body).filter(([name]) => !refused.has(name))
    return Object.fromEntries([...kept, [capName, Math.min(cap, capMax)]]) as Whole
  }

  /** Learns from a failure. True when it named something that `sent` has and that can go otherwise, so that another try makes sense. */
  learn(model: string, sent: Body, failure: unknown): boolean {
    if (!(failure instanceof CallFailure) || failure.code !== 'bad-request') return false
    const said = `${failure.message} ${failure.detail ?? ''}`
    const named = optional.find((name) => sent[name] !== undefined && new RegExp(`\\b${name}\\b`).test(said))
    if (named === undefined) return this.#learnCap(model, sent, said)
    const known = this.#known(model)
    this.#keep(model, { ...known, refused: new Set(known.refused).add(named) })
    return true
  }

  #learnCap(model: string, sent: Body, said: string): boolean {
    const sentName = capNames.find((name) => sent[name] !== undefined) ?? 'max_tokens'
    const cap = Number(sent[sentName])
    const word = capWordIn(said, cap)
    if (word === null) return false
    const known = this.#known(model)
    if (word.max !== null) {
      const capMax = Math.min(word.max, known.capMax)
      this.#keep(model, { ...known, capMax, capUntil: this.#clock.now() + capMaxMs })
      return true
    }
    // Another call of the same moment may have learnt it already.
    if (sentName !== known.capName || cap > known.capMax) return true
    const isOlder = sentName === 'max_tokens'
    // A host that takes neither is told of as it is, and next time in the usual name.
    this.#keep(model, { ...known, capName: isOlder ? 'max_completion_tokens' : 'max_tokens' })
    return isOlder
  }

  #known(model: string): Known {
    const known = this.#byModel.get(model) ?? nothingKnown
    return this.#clock.now() < known.capUntil ? known : { ...known, capMax: Number.POSITIVE_INFINITY }
  }

  #keep(model: string, known: Known): void {
    this.#byModel.delete(model)
    this.#byModel.set(model, known)
    const oldest = this.#byModel.keys().next()
    if (this.#byModel.size > modelsMax && !oldest.done) this.#byModel.delete(oldest.value)
  }
}
