import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Call, CallOptions, CallOutcome } from '../../../calls/call.ts'
import { localPrincipal } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { definePrompt, type PromptOffer } from '../../../prompts/prompt.ts'
import { createFlow } from '../../../streams/flow.ts'
import type { JsonObject } from '../envelope.ts'
import type { Exchange } from '../exchange.ts'
import { Completion } from './completion.ts'
import { Prompts } from './prompts.ts'
import { Reporting } from './reporting.ts'
import { Resources } from './resources.ts'
import { legacyWriter } from './result-writer.ts'
import { ShortCalls } from './short-calls.ts'

const calls = new ShortCalls(
  {
    calls: {
      wrong: () => null,
      fault: () => undefined,
      async run<Value>(
        _options: CallOptions,
        work: (call: Call) => Promise<Value>,
      ): Promise<CallOutcome<Value>> {
        return { kind: 'done', value: await work({ signal: new AbortController().signal } as Call) }
      },
    },
    emit: () => undefined,
    flow: createFlow({ clock: new VirtualClock(), slowReaderMs: 1_000 }),
  },
  new Reporting(new VirtualClock()),
)

const greet = definePrompt({
  name: 'greet',
  title: 'Greet',
  description: 'Greets.',
  input: z.strictObject({ tone: z.string(), who: z.string().optional() }),
  suggest: { tone: (_context, { who = 'nobody' }) => [{ value: `warm to ${who}` }] },
  get: async () => ({ messages: [] }),
})
const offer: PromptOffer = {
  prompts: [greet],
  contextOf: (identity) => ({ identity, models: () => [], files: () => [], threads: () => [] }),
}
const completion = new Completion(
  new Prompts(offer, calls, legacyWriter),
  new Resources(null, calls, legacyWriter),
  calls,
)

function complete(more: JsonObject): Promise<JsonObject> {
  const answer = Promise.withResolvers<JsonObject>()
  const exchange: Exchange = {
    id: 1,
    door: 'http',
    identity: {
      team: null,
      principal: localPrincipal,
      client: null,
      label: 'nobody',
      root: null,
      isLocal: true,
    },
    inFlight: null,
    canStream: false,
    startStream: () => undefined,
    send: () => undefined,
    sendProgress: () => undefined,
    sendDroppable: () => undefined,
    finish: (json) => answer.resolve(JSON.parse(json)),
    abandon: () => undefined,
    work: null,
  }
  const params = {
    ref: { type: 'ref/prompt', name: 'greet' },
    argument: { name: 'tone', value: 'w' },
    ...more,
  }
  completion.complete(exchange, params, legacyWriter)
  return answer.promise
}

test('suggestions know the arguments that are there already', async () => {
  const values = async (more: JsonObject): Promise<unknown> => (await complete(more)).result
  const one = (value: string) => ({ completion: { values: [value], total: 1, hasMore: false } })
  expect(await values({})).toEqual(one('warm to nobody'))
  expect(await values({ context: {} })).toEqual(one('warm to nobody'))
  expect(await values({ context: { arguments: { who: 'Ada' } } })).toEqual(one('warm to Ada'))
})

test.each([
  { context: null },
  { context: 'Ada' },
  { context: { arguments: null } },
  { context: { arguments: ['Ada'] } },
  { context: { arguments: { who: 1 } } },
])('%j is refused: arguments that are there already are texts by name', async (more) => {
  expect((await complete(more)).error).toMatchObject({
    code: -32602,
    message: expect.stringContaining('context.arguments'),
  })
})
