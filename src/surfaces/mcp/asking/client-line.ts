// The line from one call to its client: how its questions travel, and what the call is answered with while one of them is open.
// Each era has its own.

import type { Call } from '../../../calls/call.ts'
import type { ClientFeature } from '../../../domain/asking.ts'
import type { CallFailure } from '../../../domain/failure.ts'
import type { RequestId } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import type { ClientQuestion } from './questions.ts'

/** An answer to a request that is not the call's result. `status`: HTTP's. */
export interface OtherAnswer {
  readonly json: string
  readonly status: number
  /** It asks the client: worth nothing to whoever only claims it later. */
  readonly isQuestion: boolean
}

/** In place of an answer: there was nobody to give one. That is not the client's no, nor its silence. */
export const unreached: unique symbol = Symbol('unreached')

/** One call's line. */
export interface ClientLine {
  /** Whether such a question would reach somebody. */
  can(feature: ClientFeature): boolean
  /** The client's answer as it came; null: it gave none; or `unreached`. Rejects with the call's end, or with `Unanswered`. */
  put(question: ClientQuestion): Promise<unknown>
  /** The client's folders. Rejects as `put` does. */
  roots(): Promise<readonly string[]>
  /**
   * The client is gone, and the call goes on without it. Where it cannot come back, open questions end `unreached`, as later ones do;
   * where it can, they wait for it as long as they would for its person.
   */
  left(): void
  /** It came back to where it was. */
  back(): void
  /** From now on nobody comes back: what waits for that ends `unreached`. */
  noneComesBack(): void
  /** Tells the client that what it opened under this key is done, where its era has a word for that. */
  elicited(key: string): void
  /** What to answer in place of the call's result or failure; null: those. */
  instead(id: RequestId, failure: CallFailure | null): OtherAnswer | null
}

/** What a line takes over of the call it is for: its questions end with `signal`, and belong to its trace. */
export type LineCall = Pick<Call, 'signal' | 'trace'>

/** Whoever a request came from. */
export interface LineOwner {
  /** The line of one of its requests. */
  line(exchange: Exchange, call: LineCall): ClientLine
}

/** Ends the run of whoever asked: it is run again once the answers are here. Not to be caught, and harmless where it is. */
export class Unanswered extends Error {
  override readonly name: string = 'Unanswered'

  constructor() {
    super('The client has been asked; this call is run again with its answer.')
  }
}
