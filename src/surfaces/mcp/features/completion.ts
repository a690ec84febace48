// `completion/complete`: values that an argument of a prompt or the variable of a template may have, for whoever is typing it. Only
// what the caller's principal may see is suggested; each request counts against its limits like any other call.

import { CallFailure } from '../../../domain/failure.ts'
import type { Identity } from '../../../domain/identity.ts'
import { fitting, type Suggestion } from '../../../domain/suggestion.ts'
import { isObject, type JsonObject, rpcCode } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { errorMessage } from '../messages.ts'
import type { Prompts } from './prompts.ts'
import type { Resources } from './resources.ts'
import type { ResultWriter } from './result-writer.ts'
import type { ShortCalls } from './short-calls.ts'

// The specification's.
const valuesMax = 100
const charsMax = 2_000

interface Asked {
  readonly ref: JsonObject
  readonly name: string
  readonly typed: string
  readonly given: Readonly<Record<string, string>>
}

/** The feature. */
export class Completion {
  readonly #prompts: Prompts
  readonly #resources: Resources
  readonly #calls: ShortCalls

  constructor(prompts: Prompts, resources: Resources, calls: ShortCalls) {
    this.#prompts = prompts
    this.#resources = resources
    this.#calls = calls
  }

  /** Answers `completion/complete`. */
  complete(exchange: Exchange, params: JsonObject, writer: ResultWriter): void {
    const asked = readAsked(params)
    if (typeof asked === 'string') {
      if (!this.#calls.mayTell(exchange, 'completion/complete')) return
      exchange.finish(errorMessage(exchange.id, rpcCode.invalidParams, `Invalid params: ${asked}`))
      return
    }
    this.#calls.run(exchange, {
      name: 'completion/complete',
      params,
      work: async () => {
        const values = fitting(asked.typed, this.#suggestions(exchange.identity, asked))
        const shown = values.slice(0, valuesMax)
        return writer.write({
          completion: { values: shown, total: values.length, hasMore: values.length > shown.length },
        })
      },
    })
  }

  // Throws `bad-request` for what cannot be completed.
  #suggestions(identity: Identity, { ref, name, given }: Asked): readonly Suggestion[] {
    if (ref.type === 'ref/prompt' && typeof ref.name === 'string') {
      const found = this.#prompts.suggest(identity, ref.name, name, given)
      if (found !== null) return found
      throw unknown('there is no such prompt, or it has no such argument; ask prompts/list.')
    }
    if (ref.type === 'ref/resource' && typeof ref.uri === 'string') {
      const found = this.#resources.suggest(identity, ref.uri, name)
      if (found !== null) return found
      throw unknown('there is no such template, or it has no such variable; ask resources/templates/list.')
    }
    throw unknown('"ref" must be {"type":"ref/prompt","name":…} or {"type":"ref/resource","uri":…}.')
  }
}

function unknown(what: string): CallFailure {
  return new CallFailure('bad-request', { message: `Invalid params: ${what}` })
}

function readAsked({ ref, argument, context }: JsonObject): Asked | string {
  if (!isObject(ref)) return 'completion/complete needs "ref", a prompt or a resource template.'
  if (!isObject(argument) || typeof argument.name !== 'string' || typeof argument.value !== 'string') {
    return 'completion/complete needs "argument" with a "name" and a "value", both texts.'
  }
  if (argument.value.length > charsMax) return `"argument.value" must have at most ${charsMax} characters.`
  // Both may be left out; what is there and no object is refused, `null` too.
  const { arguments: known = {} } = isObject(context) ? context : { arguments: context }
  const given = isObject(known) ? Object.entries(known) : null
  if (given === null || !given.every(isText)) return '"context.arguments" must be an object of texts.'
  return { ref, name: argument.name, typed: argument.value, given: Object.fromEntries(given) }
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string'
}
