// Recognises a call that a bridge sends again after its connection broke: it runs on, its answer is kept, or it never came
// here. Only in the last case does it begin; where that cannot be known it is refused. So no call reaches a vendor twice.

import { randomBytes } from 'node:crypto'
import type { LateResults } from '../../../calls/late-results.ts'
import { clientKey } from '../../../domain/identity.ts'
import { resendMeta } from '../../../domain/resend.ts'
import type { LineOwner } from '../asking/client-line.ts'
import { isObject, type JsonObject, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { errorMessage } from '../messages.ts'
import { ResumableExchange } from '../resumable-exchange.ts'

const keyCharsMax = 256

/** The calls of one server process that may be sent again. */
export class Resends {
  /** The name of this process. */
  readonly instance: string = randomBytes(12).toString('base64url')
  readonly #results: LateResults
  // Bounded by the calls in flight: an entry goes with its call.
  readonly #running = new Map<string, ResumableExchange>()

  /** `results`: where the answers are kept. */
  constructor(results: LateResults) {
    this.#results = results
  }

  /** The exchange that a call of `caller` is to run on; null when it does not begin, because it is known or must not. */
  admit(exchange: Exchange, params: JsonObject, caller: LineOwner): Exchange | null {
    const meta = isObject(params._meta) ? params._meta : {}
    const key = meta[resendMeta.key]
    const resentTo = meta[resendMeta.resentTo]
    const sending = toCount(meta[resendMeta.sending])
    // Over HTTP the way back belongs to one request; a caller without an id shares its keys with others.
    const isKeyed = typeof key === 'string' && key.length <= keyCharsMax && exchange.door === 'websocket'
    if (!isKeyed || exchange.identity.client === null) {
      return resentTo === undefined ? exchange : refuseLost(exchange)
    }
    const owner = clientKey(exchange.identity)
    const name = `${JSON.stringify(exchange.id)}\n${key}`
    const running = this.#running.get(`${owner}\n${name}`)
    if (running !== undefined) {
      running.attach(exchange, caller, sending)
      return null
    }
    const known = this.#results.find(owner, name)
    if (known.kind === 'kept') {
      this.#results.taken(owner, name)
      exchange.finish(known.text)
      return null
    }
    const isResent = resentTo !== undefined
    const isDoubtful = known.kind === 'uncertain' || resentTo !== this.instance
    if (known.kind === 'forgotten' || (isResent && isDoubtful)) return refuseLost(exchange)
    const resumable = new ResumableExchange(exchange, caller, sending, name, (json) => {
      this.#running.delete(`${owner}\n${name}`)
      if (json !== null) this.#results.keep(owner, name, json)
    })
    this.#running.set(`${owner}\n${name}`, resumable)
    return resumable
  }

  /** Calls that run without a connection until one takes them up, and are not late: nobody can claim them by name. */
  get loose(): number {
    let loose = 0
    for (const each of this.#running.values()) if (each.isLoose) loose += 1
    return loose
  }
}

function toCount(value: unknown): number {
  return typeof value === 'number' && value > 0 ? value : 1
}

function refuseLost(exchange: Exchange): null {
  exchange.finish(
    errorMessage(
      exchange.id,
      rpcCode.unavailable,
      'The connection broke while this call was running, and the server that had it is not the one that answers now, or has forgotten it. It may or may not have been done; it was not done a second time. Call again if it is wanted.',
    ),
  )
  return null
}
