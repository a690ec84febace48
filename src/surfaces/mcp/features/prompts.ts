// `prompts/list` and `prompts/get` for every era and door. Arguments are checked by the prompt's schema, and what is wrong with
// them is said in sentences.

import type { Identity } from '../../../domain/identity.ts'
import type { Suggestion } from '../../../domain/suggestion.ts'
import { assert } from '../../../lib/assert.ts'
import { nearestName } from '../../../lib/nearest-name.ts'
import { ownValue } from '../../../lib/own-value.ts'
import type { Prompt, PromptOffer } from '../../../prompts/prompt.ts'
import { isObject, type JsonObject, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import { resultChars } from './result-chars.ts'
import type { ResultWriter } from './result-writer.ts'
import type { OpenLine, ShortCalls } from './short-calls.ts'
import { refuseCursor, StaticList } from './static-list.ts'
import { checkFields } from './tool-arguments.ts'

const hints = { ttlMs: 300_000, cacheScope: 'public' } as const
const nameCharsShown = 64

/** The feature. */
export class Prompts {
  readonly #calls: ShortCalls
  readonly #contextOf: PromptOffer['contextOf'] | null
  readonly #modern: ResultWriter
  #byName: ReadonlyMap<string, Prompt> = new Map()
  #list: StaticList

  /** `offer` null: there are none. */
  constructor(offer: PromptOffer | null, calls: ShortCalls, modern: ResultWriter) {
    this.#calls = calls
    this.#contextOf = offer?.contextOf ?? null
    this.#modern = modern
    this.#list = this.#take(offer?.prompts ?? [])
  }

  /** Exchanges the set of prompts. The caller tells the clients. */
  replace(prompts: readonly Prompt[]): void {
    this.#list = this.#take(prompts)
  }

  #take(prompts: readonly Prompt[]): StaticList {
    this.#byName = new Map(prompts.map((prompt) => [prompt.name, prompt]))
    assert(this.#byName.size === prompts.length, 'two prompts have the same name')
    const sorted = [...prompts].sort((a, b) => (a.name < b.name ? -1 : 1))
    return new StaticList({ member: 'prompts', items: sorted.map(toWire), hints, modern: this.#modern })
  }

  /** Answers `prompts/list`. */
  answerList(exchange: Exchange, params: JsonObject, writer: ResultWriter): void {
    const page = this.#list.page(params.cursor, writer.era)
    if (page === null) refuseCursor(exchange)
    else exchange.finish(resultMessage(exchange.id, page))
  }

  /** Answers `prompts/get`. */
  get(exchange: Exchange, params: JsonObject, writer: ResultWriter, openLine: OpenLine): void {
    const { name, arguments: sent = {} } = params
    const prompt = typeof name === 'string' ? this.#byName.get(name) : undefined
    if (prompt === undefined || this.#contextOf === null) {
      this.#refuse(exchange, this.#unknown(name))
      return
    }
    if (!isObject(sent)) {
      this.#refuse(exchange, 'Invalid params: "arguments" must be an object of texts.')
      return
    }
    const checked = checkFields(prompt.input, sent)
    if (!checked.isValid) {
      this.#refuse(
        exchange,
        `Invalid params: the arguments of ${prompt.name} are not valid. ${checked.complaints.join(' ')}`,
      )
      return
    }
    const caller = openLine()
    if (caller === null) return
    const context = this.#contextOf(exchange.identity)
    const calls = this.#calls
    calls.run(exchange, {
      name: 'prompts/get',
      params,
      caller,
      async work(_call, asking) {
        const answer = await prompt.get(checked.value, context, asking)
        const { description = prompt.description, messages } = answer
        calls.working(resultChars({ content: messages.map(({ content }) => content) }))
        return writer.write({ description, messages })
      },
    })
  }

  /** What an argument may be; null: there is no such prompt, or it has no such argument. */
  suggest(
    identity: Identity,
    name: string,
    argument: string,
    given: Readonly<Record<string, string>>,
  ): readonly Suggestion[] | null {
    const prompt = this.#byName.get(name)
    if (prompt === undefined || this.#contextOf === null) return null
    if (!Object.hasOwn(prompt.input.shape, argument)) return null
    const { suggest = {} } = prompt
    return ownValue(suggest, argument)?.(this.#contextOf(identity), given) ?? []
  }

  #refuse(exchange: Exchange, message: string): void {
    if (!this.#calls.mayTell(exchange, 'prompts/get')) return
    exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, message))
  }

  #unknown(name: unknown): string {
    if (typeof name !== 'string') return 'Invalid params: prompts/get needs "name", the name of a prompt.'
    const names = [...this.#byName.keys()]
    const near = nearestName(name, names)
    const hint = near === null ? `Known prompts: ${names.join(', ')}.` : `Did you mean "${near}"?`
    return `Unknown prompt: ${name.slice(0, nameCharsShown)}. ${hint}`
  }
}

function toWire({ name, title, description, input }: Prompt): JsonObject {
  const fields = Object.entries(input.shape).map(([field, schema]) => ({
    name: field,
    description: schema.description,
    required: !schema.safeParse(undefined).success,
  }))
  return { name, title, description, ...(fields.length === 0 ? {} : { arguments: fields }) }
}
