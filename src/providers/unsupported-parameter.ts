// Hosts refuse parameters they do not know with a 400 that names them. Which one it was is read here, and remembered per
// model, so that the next request leaves it out from the start.

import { CallFailure } from '../domain/failure.ts'

/** Parameters a request is complete without. */
const optional = [
  'stream_options',
  'temperature',
  'reasoning_effort',
  'response_format',
  'max_tokens',
  'tool_choice',
  'user',
] as const

const modelsMax = 256

/** Per model, the parameters its host refused; the least recently learnt model is forgotten beyond 256. */
export class UnsupportedParameters {
  readonly #byModel = new Map<string, ReadonlySet<string>>()

  /** `body` without what the model's host refused before. */
  strip<Body extends Readonly<Record<string, unknown>>>(model: string, body: Body): Body {
    const refused = this.#byModel.get(model)
    if (refused === undefined) return body
    return Object.fromEntries(Object.entries(body).filter(([name]) => !refused.has(name))) as Body
  }

  /** Learns from a failure. True when it named an optional parameter that `body` has, so that another try makes sense. */
  learn(model: string, body: Readonly<Record<string, unknown>>, failure: unknown): boolean {
    if (!(failure instanceof CallFailure) || failure.code !== 'bad-request') return false
    const said = `${failure.message} ${failure.detail ?? ''}`
    const named = optional.find((name) => body[name] !== undefined && new RegExp(`\\b${name}\\b`).test(said))
    if (named === undefined) return false
    const refused = new Set(this.#byModel.get(model)).add(named)
    this.#byModel.delete(model)
    this.#byModel.set(model, refused)
    const oldest = this.#byModel.keys().next()
    if (this.#byModel.size > modelsMax && !oldest.done) this.#byModel.delete(oldest.value)
    return true
  }
}
