// Questions in 2026-07-28: a request that asks its client is answered with the questions, and comes again with the answers. It is
// then run from its beginning: what it asked before is answered from the sealed state, until nothing is open. We keep nothing.
// Source: basic/patterns/mrtr.

import type { ClientFeature } from '../../../domain/asking.ts'
import { CallFailure } from '../../../domain/failure.ts'
import type { TraceContext } from '../../../domain/trace-context.ts'
import { AskFault } from '../asking/ask-fault.ts'
import { type ClientLine, type OtherAnswer, Unanswered } from '../asking/client-line.ts'
import { type ClientQuestion, isDeclared, toFolders } from '../asking/questions.ts'
import { isObject, type JsonObject, type RequestEnvelope, type RequestId, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { inTrace, traceOf } from '../features/trace.ts'
import type { ServerInfo } from '../mcp-options.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import { metaKey } from '../protocol-versions.ts'
import type { RequestMeta } from './request-meta.ts'
import { type AskedQuestion, digestOf, type RequestStateOptions, RequestStates } from './request-state.ts'

/** What rounds are made of. */
export interface RoundsOptions extends RequestStateOptions {
  readonly serverInfo: ServerInfo
}

const roundsMax = 16
const nothingAsked: ReadonlyMap<string, AskedQuestion> = new Map()

/** Opens the line of each request that may ask. */
export class Rounds {
  readonly #states: RequestStates
  readonly #serverInfo: ServerInfo

  constructor(options: RoundsOptions) {
    this.#states = new RequestStates(options)
    this.#serverInfo = options.serverInfo
  }

  /**
   * The line of a request; null after the exchange was answered with what is wrong with its state or answers. `mayTell`: asked before
   * that; false when it has answered the exchange itself.
   */
  open(
    exchange: Exchange,
    request: RequestEnvelope,
    meta: RequestMeta,
    mayTell: () => boolean,
  ): ClientLine | null {
    const { requestState, inputResponses } = request.params
    if (inputResponses !== undefined && !isObject(inputResponses)) {
      return refuse(
        exchange,
        mayTell,
        'Invalid params: "inputResponses" must be an object, one member for each question.',
      )
    }
    const state =
      typeof requestState === 'string'
        ? this.#states.open(requestState, request, exchange.identity)
        : requestState === undefined
          ? { round: 0, questions: null }
          : null
    if (state === null) {
      return refuse(
        exchange,
        mayTell,
        'Invalid params: "requestState" is not good for this request. It was changed, is another request\'s or another caller\'s, or is too old. Make the request again without it.',
      )
    }
    return new RoundLine({
      capabilities: meta.capabilities,
      responses: inputResponses ?? {},
      ...state,
      seal: (round, questions) => this.#states.seal({ round, questions }, request, exchange.identity),
      serverInfo: this.#serverInfo,
      trace: traceOf(request.params),
    })
  }
}

interface RoundFacts {
  readonly capabilities: JsonObject
  /** What the client sent with this round. */
  readonly responses: JsonObject
  readonly round: number
  /** What was asked before; null: there is no state. Then answers count for whatever question has their key. */
  readonly questions: ReadonlyMap<string, AskedQuestion> | null
  readonly seal: (round: number, questions: ReadonlyMap<string, AskedQuestion>) => string
  readonly serverInfo: ServerInfo
  /** This round's; another one may come in another span. */
  readonly trace: TraceContext | undefined
}

class RoundLine implements ClientLine {
  readonly #facts: RoundFacts
  readonly #known: Map<string, AskedQuestion>
  readonly #waiting = new Map<string, ClientQuestion>()

  constructor(facts: RoundFacts) {
    this.#facts = facts
    this.#known = new Map(facts.questions ?? nothingAsked)
  }

  can(feature: ClientFeature): boolean {
    return isDeclared(this.#facts.capabilities, feature)
  }

  async put(question: ClientQuestion): Promise<unknown> {
    const { responses, questions, round } = this.#facts
    const { key, method, params } = question
    const digest = digestOf([method, params])
    const known = this.#known.get(key)
    const isSame = known?.digest === digest
    if (isSame && known.answer !== undefined) return known.answer
    if ((isSame || questions === null) && Object.hasOwn(responses, key)) {
      const answer = responses[key] ?? null
      if (!isObject(answer)) throw AskFault.wrongAnswer(key, 'it must be an object.')
      this.#known.set(key, { digest, answer })
      return answer
    }
    if (round >= roundsMax) {
      throw new CallFailure('bad-request', {
        message: `This request has asked its client in ${roundsMax} rounds, and stopped there. Make it again, and answer every question.`,
      })
    }
    this.#known.set(key, { digest })
    this.#waiting.set(key, question)
    throw new Unanswered()
  }

  async roots(): Promise<readonly string[]> {
    return toFolders(await this.put({ key: 'client_roots', method: 'roots/list', params: {} }))
  }

  left(): void {}

  back(): void {}

  noneComesBack(): void {}

  elicited(): void {}

  instead(id: RequestId, failure: CallFailure | null): OtherAnswer | null {
    if (this.#waiting.size > 0) {
      const { seal, round, serverInfo, trace } = this.#facts
      const inputRequests = Object.fromEntries(
        [...this.#waiting].map(([key, { method, params }]) => [
          key,
          { method, params: inTrace(params, trace) },
        ]),
      )
      const result = {
        resultType: 'input_required',
        inputRequests,
        requestState: seal(round + 1, this.#known),
        _meta: { [metaKey.serverInfo]: serverInfo },
      }
      return { json: resultMessage(id, JSON.stringify(result)), status: 200, isQuestion: true }
    }
    if (!(failure instanceof AskFault)) return null
    const json = errorMessage(id, failure.rpcCode, failure.message, failure.data)
    return { json, status: 400, isQuestion: false }
  }
}

function refuse(exchange: Exchange, mayTell: () => boolean, message: string): null {
  if (mayTell()) exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, message), 400)
  return null
}
