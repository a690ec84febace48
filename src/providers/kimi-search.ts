// Search by Kimi's `$web_search` builtin (providers.md 2.7): the model asks for a search, we send its own arguments back, the
// vendor searches and the model answers. The result is the model's answer; the vendor shows no list of sources.

import { CallFailure } from '../domain/failure.ts'
import { readSources } from './dialect/sources.ts'
import { addUsage } from './dialect/usage.ts'
import type { WireMessage } from './dialect/wire-messages.ts'
import { toThinkingFields } from './effort.ts'
import { type ModelTimeouts, timeoutsFor } from './model-timeouts.ts'
import { streamChat } from './openai-dialect.ts'
import type { Operation } from './operation.ts'
import type { ModelInfo, SearchJob, StreamPart, Usage } from './provider.ts'
import type { Vendor } from './vendor-failure.ts'
import type { VendorHttp } from './vendor-http.ts'

/** What a search is run with. */
interface BuiltinSearch {
  readonly vendor: Vendor
  readonly http: VendorHttp
  readonly operation: Operation
  readonly timeouts: ModelTimeouts
  readonly modelId: string
  readonly model: ModelInfo | null
}

const builtin = '$web_search'
/** Each search costs money: a model that keeps asking is stopped. */
const roundsMax = 4
/** Searches of one job at most, however many the model wants at once. */
export const searchesMax = 4
const outputTokensMax = 8192

const spans = {
  day: 'the last day',
  week: 'the last week',
  month: 'the last month',
  year: 'the last year',
} as const

/** Runs rounds until the model answers. Usage is the sum over all rounds and their searches, also where a later one fails. */
export async function* searchByBuiltin(
  search: BuiltinSearch,
  job: SearchJob,
): AsyncGenerator<StreamPart, void> {
  const messages: WireMessage[] = [
    { role: 'system', content: toInstruction(job) },
    { role: 'user', content: job.query },
  ]
  const bill = new Bill()
  try {
    for (let round = 0; round < roundsMax; round++) {
      const turn = new Turn()
      bill.begins()
      for await (const part of streamChat(search.operation, toExchange(search, messages))) {
        if (part.type === 'usage') bill.add(part.usage)
        else if (part.type === 'finish' && part.reason !== 'tool-use') {
          yield* bill.part()
          yield part
          return
        } else if (part.type === 'text-delta' || part.type === 'source') yield part
        turn.read(part)
      }
      yield* turn.sources()
      // After the last round nobody sends them, and so nobody searches.
      if (round + 1 < roundsMax) messages.push(...turn.echo(bill))
    }
  } catch (error) {
    yield* bill.part()
    throw error
  }
  yield* bill.part()
  throw new CallFailure('provider-error', {
    message: `The provider ${search.vendor.name} kept searching without answering. Ask a narrower question.`,
    retryable: true,
  })
}

/** What the rounds so far have cost: a search is made when its arguments are sent back, and is paid then. */
class Bill {
  #spent: Usage | null = null
  #searches = 0
  #isOpen = false

  /** A round begins: until it is counted, the sum is less than what is paid. */
  begins(): void {
    this.#isOpen = true
  }

  add(usage: Usage): void {
    this.#spent = this.#spent === null ? usage : addUsage(this.#spent, usage)
    this.#isOpen = false
  }

  /** Whether one more may be made, which then counts. */
  search(): boolean {
    if (this.#searches >= searchesMax) return false
    this.#searches++
    return true
  }

  *part(): Generator<StreamPart, void> {
    if (this.#spent === null) return
    const { source } = this.#spent
    const usage: Usage = {
      ...this.#spent,
      searches: this.#searches,
      source: this.#isOpen ? 'estimated' : source,
    }
    yield { type: 'usage', usage }
  }
}

/** One round that ended in a request for a search. */
class Turn {
  #text = ''
  #reasoning = ''
  readonly #calls = new Map<string, { name: string; input: string }>()

  read(part: StreamPart): void {
    if (part.type === 'text-delta') this.#text += part.text
    else if (part.type === 'reasoning-delta') this.#reasoning += part.text
    else if (part.type === 'tool-input-start') this.#calls.set(part.id, { name: part.name, input: '' })
    else if (part.type === 'tool-input-delta') {
      const call = this.#calls.get(part.id)
      if (call) call.input += part.text
    }
  }

  /** The model's message and one tool message per call: its own arguments, unchanged, as long as another search may be made. */
  echo(bill: Bill): WireMessage[] {
    const calls = [...this.#calls]
    return [
      {
        role: 'assistant',
        content: this.#text,
        reasoning_content: this.#reasoning,
        tool_calls: calls.map(([id, { name, input }]) => ({
          id,
          type: name === builtin ? 'builtin_function' : 'function',
          function: { name, arguments: input },
        })),
      },
      ...calls.map(([id, { name, input }]) => ({
        role: 'tool',
        tool_call_id: id,
        name,
        content: answerOf(name, input, bill),
      })),
    ]
  }

  /** Some hosts put results into the arguments; where they do, they are sources. */
  *sources(): Generator<StreamPart, void> {
    for (const { input } of this.#calls.values()) {
      const found = /"search_result"\s*:/.test(input) ? parseResults(input) : undefined
      yield* readSources(found)
    }
  }
}

function answerOf(name: string, input: string, bill: Bill): string {
  if (name !== builtin) return 'There is no such tool.'
  return bill.search() ? input : 'No more searches can be made. Answer from what has been found.'
}

function parseResults(input: string): unknown {
  try {
    const parsed: unknown = JSON.parse(input)
    return typeof parsed === 'object' && parsed !== null && 'search_result' in parsed
      ? parsed.search_result
      : undefined
  } catch {
    // Arguments are the vendor's own affair: unreadable ones hold no sources for us.
    return undefined
  }
}

function toExchange(
  search: BuiltinSearch,
  messages: readonly WireMessage[],
): Parameters<typeof streamChat>[1] {
  // K2.6 needs thinking off for the builtin; models that always think do so as little as they can.
  const wish = { thinking: 'off' } as const
  return {
    vendor: search.vendor,
    http: search.http,
    body: {
      model: search.modelId,
      messages: [...messages],
      max_completion_tokens: outputTokensMax,
      ...toThinkingFields(wish, search.model),
      tools: [{ type: 'builtin_function', function: { name: builtin } }],
      stream_options: { include_usage: true },
    },
    ...timeoutsFor(search.timeouts, wish, search.model),
  }
}

function toInstruction(job: SearchJob): string {
  const wishes = [
    `Search the web and answer with at most ${job.count} results, each with its title, address and a short summary.`,
    ...(job.recency === undefined ? [] : [`Only what was published within ${spans[job.recency]}.`]),
    ...(job.domain === undefined ? [] : [`Only pages of ${job.domain}.`]),
  ]
  return wishes.join(' ')
}
