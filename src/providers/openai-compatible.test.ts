import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { attemptOf, chatOf } from './chat-of.ts'
import { createOpenAiCompatibleProvider } from './openai-compatible.ts'
import type { Attempt, GenerateJob, Provider, StreamPart } from './provider.ts'
import { collect, events, json, type RecordedVendor, startRecordedVendor } from './recorded-vendor.ts'

const answer = events(
  'data: {"choices":[{"delta":{"reasoning":"hm","content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
)
const chat = chatOf('qwen3', { temperature: 0.5 })

let vendor: RecordedVendor
let provider: Provider

beforeEach(async () => {
  vendor = await startRecordedVendor(answer)
  provider = createOpenAiCompatibleProvider({
    name: 'ollama',
    baseUrl: `${vendor.baseUrl}/`,
    models: ['qwen3'],
    clock: systemClock,
  })
})
afterEach(async () => {
  await provider.destroy()
  await vendor[Symbol.asyncDispose]()
})

const run = (job: GenerateJob, differs: Partial<Attempt> = {}): Promise<StreamPart[]> =>
  collect(provider.run(job, attemptOf({ apiKey: null, ...differs })))
const bodies = (): Record<string, unknown>[] =>
  vendor.requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>)

describe('a server of the OpenAI dialect', () => {
  it('offers the models of the config and needs no key', async () => {
    expect(provider.models.map(({ id }) => id)).toEqual(['qwen3'])
    await run(chat)
    expect(vendor.requests[0]?.headers.authorization).toBeUndefined()
    expect(vendor.requests[0]?.path).toBe('/v1/chat/completions')
  })

  it('gets history back under the name it gave reasoning itself', async () => {
    const history: GenerateJob = {
      ...chat,
      messages: [...chat.messages, { role: 'assistant', content: 'a', reasoning: 'hm' }, ...chat.messages],
    }
    await run(history)
    await run(history)
    const sent = bodies().map((body) => (body.messages as unknown[])[1])
    expect(sent).toEqual([
      { role: 'assistant', content: 'a', reasoning_content: 'hm' },
      { role: 'assistant', content: 'a', reasoning: 'hm' },
    ])
  })

  it.each([
    [
      'OpenAI',
      {
        error: {
          message: "Unsupported parameter: 'temperature' is not supported with this model.",
          type: 'invalid_request_error',
          param: 'temperature',
        },
      },
    ],
    ['by param alone', { error: { message: 'Unknown parameter', param: 'temperature' } }],
    [
      'vLLM',
      {
        object: 'error',
        message: "[{'loc': ('body', 'temperature'), 'msg': 'Extra inputs are not permitted'}]",
        type: 'BadRequestError',
        code: 400,
      },
    ],
    ['detail', { detail: 'temperature: not allowed' }],
  ])(
    'that refuses a parameter is asked once more without it, and never again with it: %s',
    async (_name, refusal) => {
      vendor.reply = (request, response) =>
        (request.body.includes('"temperature"') ? json(refusal, 400) : answer)(request, response)
      expect((await run(chat)).at(-1)).toEqual({ type: 'finish', reason: 'stop' })
      expect((await run(chat)).at(-1)).toEqual({ type: 'finish', reason: 'stop' })
      expect(bodies().map((body) => body.temperature)).toEqual([0.5, undefined, undefined])
      await run({ ...chat, model: 'other' })
      expect(
        bodies()
          .filter((body) => body.model === 'other')
          .map((body) => body.temperature),
      ).toEqual([0.5, undefined])
    },
  )

  const refusals = (...messages: readonly string[]): void => {
    const left = [...messages]
    vendor.reply = (request, response) => {
      const message = left.shift()
      ;(message === undefined ? answer : json({ error: { message } }, 400))(request, response)
    }
  }
  const caps = (): readonly unknown[] =>
    bodies().map((body) => [body.max_tokens ?? null, body.max_completion_tokens ?? null])

  it('that takes no cap so high is asked once more with the one it names, by all for an hour, and never without one', async () => {
    const clock = new VirtualClock()
    const asked = createOpenAiCompatibleProvider({ name: 'mine', baseUrl: vendor.baseUrl, clock })
    const ask = (outputTokensMax: number): Promise<StreamPart[]> =>
      collect(asked.run({ ...chat, outputTokensMax }, attemptOf({ apiKey: null })))
    refusals('max_tokens is too large: 4096. This model supports at most 2048 completion tokens.')
    await ask(4096)
    await ask(4096)
    await ask(100)
    clock.sleep(3_600_000)
    await ask(4096)
    expect(caps().map((pair) => (pair as unknown[])[0])).toEqual([4096, 2048, 2048, 100, 4096])
    await asked.destroy()
  })

  it('that knows the cap under its other name is asked under that one from then on, also when two learn it at once', async () => {
    const unsupported = "Unsupported parameter: 'max_tokens' is not supported with this model."
    refusals(unsupported, unsupported)
    await Promise.all([run({ ...chat, outputTokensMax: 700 }), run({ ...chat, outputTokensMax: 700 })])
    await run({ ...chat, outputTokensMax: 700 })
    expect(caps()).toEqual([
      [700, null],
      [700, null],
      [null, 700],
      [null, 700],
      [null, 700],
    ])
  })

  it('that takes no cap at all fails, and is never asked without one', async () => {
    const ask = (): Promise<StreamPart[]> => run({ ...chat, outputTokensMax: 700 })
    refusals('max_tokens: no', 'max_completion_tokens: no', 'max_tokens: no', 'max_tokens: no')
    await expect(ask()).rejects.toMatchObject({ code: 'bad-request' })
    await expect(ask()).rejects.toMatchObject({ code: 'bad-request' })
    expect(caps()).toEqual([
      [700, null],
      [null, 700],
      [700, null],
      [null, 700],
    ])
  })

  it('is asked no third time', async () => {
    vendor.reply = (request, response) =>
      json(
        {
          error: {
            message: request.body.includes('"temperature"')
              ? 'temperature is unsupported'
              : 'stream_options is unsupported',
          },
        },
        400,
      )(request, response)
    await expect(run(chat)).rejects.toMatchObject({ code: 'bad-request' })
    expect(vendor.requests.length).toBe(2)
  })

  it('is asked no second time for a 400 that names no parameter', async () => {
    vendor.reply = json({ error: { message: 'messages must not be empty' } }, 400)
    await expect(run(chat)).rejects.toMatchObject({ code: 'bad-request' })
    expect(vendor.requests.length).toBe(1)
  })

  it.each([
    [
      'llama.cpp while loading',
      503,
      { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } },
      'overloaded',
      true,
    ],
    [
      'llama.cpp overflow',
      400,
      {
        error: {
          code: 400,
          message:
            'request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it',
          type: 'exceed_context_size_error',
        },
      },
      'context-too-long',
      false,
    ],
    [
      'a missing model',
      404,
      { error: { message: 'model "qwen9" not found, try pulling it first' } },
      'model-unknown',
      false,
    ],
    ['no money', 402, { error: { code: 402, message: 'Insufficient credits' } }, 'quota-exhausted', false],
    ['a text', 500, { error: 'engine died' }, 'provider-error', true],
    ['a code inside HTTP 200', 200, { error: { code: 429, message: 'slow down' } }, 'rate-limited', true],
  ])('is understood in its errors: %s', async (_name, status, body, code, retryable) => {
    vendor.reply = json(body, status)
    await expect(run(chat)).rejects.toMatchObject({ code, retryable })
  })
})
