import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Patience } from '../streams/patience.ts'
import { ChunkReader } from './dialect/chunk-reader.ts'
import { verdictByStatus } from './dialect/status-verdict.ts'
import { readStream } from './openai-dialect.ts'
import type { StreamPart } from './provider.ts'
import { toVendorFailure } from './vendor-failure.ts'

const fixture = (name: string): Uint8Array => readFileSync(new URL(`./fixtures/${name}.sse`, import.meta.url))

async function* split(bytes: Uint8Array, at: number): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, at)
  yield bytes.subarray(at)
}

interface Outcome {
  readonly text: string
  readonly reasoning: string
  readonly parts: readonly StreamPart[]
  readonly failure: CallFailure | null
}

/** Reads bytes as a stream; neighbouring deltas are joined, for they may fall differently. */
async function read(
  bytes: AsyncIterable<Uint8Array>,
  patience: Patience = new Patience(new VirtualClock(), () => undefined),
  silenceTimeoutMs = 1000,
): Promise<Outcome> {
  const reader = new ChunkReader({
    provider: 'test',
    inputTokensEstimate: () => 7,
    toFailure: (error) => toVendorFailure({ name: 'test', classify: verdictByStatus }, error, null),
  })
  const parts: StreamPart[] = []
  let failure: CallFailure | null = null
  try {
    const operation = { patience, signal: new AbortController().signal }
    for await (const part of readStream(bytes, reader, { silenceTimeoutMs }, operation)) parts.push(part)
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error
    failure = error
  }
  const join = (type: 'text-delta' | 'reasoning-delta'): string =>
    parts.map((part) => (part.type === type ? part.text : '')).join('')
  return { text: join('text-delta'), reasoning: join('reasoning-delta'), parts, failure }
}

const frames = (...chunks: unknown[]): AsyncGenerator<Uint8Array> => {
  const text = chunks
    .map((chunk) => `data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`)
    .join('')
  return split(new TextEncoder().encode(text), text.length)
}
const delta = (value: unknown, rest: Record<string, unknown> = {}): unknown => ({
  choices: [{ delta: value, ...rest }],
})
const stop = delta({}, { finish_reason: 'stop' })
const usageOf = (outcome: Outcome): unknown => outcome.parts.find((part) => part.type === 'usage')

describe.each(['glm-chat', 'kimi-chat', 'openai-compatible-chat', 'tool-call'])(
  'the recorded stream %s',
  (name) => {
    const bytes = fixture(name)
    const text = new TextDecoder().decode(bytes)

    it('reads the same split at every byte', async () => {
      const whole = await read(split(bytes, bytes.length))
      expect(whole.failure).toBeNull()
      expect(whole.parts.at(-1)?.type).toBe('finish')
      for (let at = 0; at < bytes.length; at++) expect(await read(split(bytes, at))).toEqual(whole)
    })

    it('reads the same byte by byte, and with CRLF', async () => {
      const whole = await read(split(bytes, 0))
      async function* drip(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at++) yield bytes.subarray(at, at + 1)
      }
      expect(await read(drip())).toEqual(whole)
      const crlf = new TextEncoder().encode(text.replaceAll('\n', '\r\n'))
      for (let at = 0; at < crlf.length; at += 7) expect(await read(split(crlf, at))).toEqual(whole)
    })

    it('is never a success when cut before its terminal marker, wherever the cut', async () => {
      const whole = await read(split(bytes, 0))
      const line = text.split('\n').find((each) => /"finish_reason":"/.test(each)) ?? ''
      // The frame of the finish reason is the last that holds content or end; from its last byte on, nothing of the answer is lost.
      const terminal = new TextEncoder().encode(text.slice(0, text.indexOf(line) + line.length)).length
      expect(terminal).toBeGreaterThan(100)
      for (let length = 0; length < terminal; length++) {
        const { failure, parts } = await read(split(bytes.subarray(0, length), length >> 1))
        expect(failure, `cut after ${length} bytes`).toMatchObject({ code: 'truncated', retryable: true })
        expect(parts.some((part) => part.type === 'finish')).toBe(false)
      }
      for (let length = terminal; length <= bytes.length; length++) {
        const outcome = await read(split(bytes.subarray(0, length), length))
        expect(outcome.failure).toBeNull()
        expect([outcome.text, outcome.reasoning]).toEqual([whole.text, whole.reasoning])
      }
    })

    it('is a failure when its connection is reset before the terminal marker', async () => {
      for (let length = 0; length < bytes.length - 700; length += 13) {
        async function* reset(): AsyncGenerator<Uint8Array> {
          yield bytes.subarray(0, length)
          throw Object.assign(new Error('terminated'), { code: 'UND_ERR_SOCKET' })
        }
        expect((await read(reset())).failure).toMatchObject({ code: 'truncated', retryable: true })
      }
    })
  },
)

describe('reasoning', () => {
  it.each([
    ['reasoning_content', [{ reasoning_content: 'hm' }, { content: 'yes' }]],
    ['reasoning', [{ reasoning: 'hm' }, { content: 'yes' }]],
    ['both names at once', [{ reasoning: 'hm', reasoning_content: 'hm' }, { content: 'yes' }]],
    [
      'reasoning_details',
      [{ reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] }, { content: 'yes' }],
    ],
    [
      'details beside the text',
      [{ reasoning: 'hm', reasoning_details: [{ text: 'hm' }] }, { content: 'yes' }],
    ],
    [
      'typed parts',
      [{ content: [{ type: 'thinking', thinking: 'hm' }] }, { content: [{ type: 'text', text: 'yes' }] }],
    ],
    ['think tags', [{ content: '<think>hm</think>yes' }]],
    [
      'split think tags',
      [{ content: '\n<th' }, { content: 'ink>h' }, { content: 'm</thi' }, { content: 'nk>\n\nyes' }],
    ],
  ])('is found as %s', async (_name, deltas) => {
    const { text, reasoning, failure } = await read(frames(...deltas.map((each) => delta(each)), stop))
    expect({ text, reasoning, failure }).toEqual({ text: 'yes', reasoning: 'hm', failure: null })
  })

  it('leaves tags alone that stand inside the answer', async () => {
    const { text } = await read(
      frames(delta({ content: 'The tag ' }), delta({ content: '<think> opens it.' }), stop),
    )
    expect(text).toBe('The tag <think> opens it.')
  })

  it('alone is no answer', async () => {
    const { failure } = await read(frames(delta({ content: '<think>only thoughts' }), stop))
    expect(failure?.code).toBe('empty-output')
  })
})

describe('usage', () => {
  const counts = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7, cached_tokens: 2 }
  const details = {
    ...counts,
    cached_tokens: undefined,
    prompt_tokens_details: { cached_tokens: 2 },
    completion_tokens_details: { reasoning_tokens: 1 },
  }
  const told = {
    inputTokens: 3,
    outputTokens: 4,
    cachedInputTokens: 2,
    reasoningTokens: 0,
    source: 'provider',
  }
  const hello = delta({ content: 'hello' })

  it.each([
    ['at top level with the finish reason', [hello, { ...(stop as object), usage: counts }], told],
    ['inside the choice', [hello, delta({}, { finish_reason: 'stop', usage: counts })], told],
    ['in a chunk without choices', [hello, stop, { choices: [], usage: counts }, '[DONE]'], told],
    ['in a chunk whose choices are null', [hello, stop, { choices: null, usage: counts }, '[DONE]'], told],
    [
      'twice',
      [hello, delta({}, { finish_reason: 'stop', usage: counts }), { choices: [], usage: counts }],
      told,
    ],
    [
      'growing with each chunk',
      [
        { ...(hello as object), usage: { prompt_tokens: 3 } },
        { ...(stop as object), usage: counts },
      ],
      told,
    ],
    ['with details', [hello, { ...(stop as object), usage: details }], { ...told, reasoningTokens: 1 }],
  ])('is found %s', async (_name, chunks, usage) => {
    expect(usageOf(await read(frames(...chunks)))).toEqual({ type: 'usage', usage })
  })

  it('is estimated from characters, and marked so, when it never comes', async () => {
    const outcome = await read(
      frames(delta({ content: 'x'.repeat(40) }), delta({ content: '四'.repeat(10) }), stop),
    )
    expect(usageOf(outcome)).toEqual({
      type: 'usage',
      usage: {
        inputTokens: 7,
        outputTokens: 16,
        cachedInputTokens: 0,
        reasoningTokens: 0,
        source: 'estimated',
      },
    })
  })

  it('comes before the failure too: the vendor bills what it cut', async () => {
    const outcome = await read(frames(delta({}, { finish_reason: 'length', usage: counts })))
    expect(outcome.failure?.code).toBe('empty-output')
    expect(usageOf(outcome)).toEqual({ type: 'usage', usage: told })
  })
})

describe('the end of a stream', () => {
  const hello = delta({ content: 'hello' })
  const call = delta({ tool_calls: [{ function: { name: 'f', arguments: '{}' } }] })

  it.each([
    ['stop', [hello, stop], 'stop'],
    ['only [DONE]', [hello, '[DONE]'], 'stop'],
    ['an unknown reason', [hello, delta({}, { finish_reason: 'eos' })], 'stop'],
    ['length after content', [hello, delta({}, { finish_reason: 'length' })], 'length'],
    ['tool_calls', [call, delta({}, { finish_reason: 'tool_calls' })], 'tool-use'],
    ['stop although a tool was asked for', [call, stop], 'tool-use'],
    ['a closed connection after the finish reason', [hello, stop], 'stop'],
  ])('is good by %s', async (_name, chunks, reason) => {
    const { failure, parts } = await read(frames(...chunks))
    expect(failure).toBeNull()
    expect(parts.at(-1)).toEqual({ type: 'finish', reason })
  })

  it.each([
    [
      'length without content',
      [delta({ reasoning_content: 'hm' }), delta({}, { finish_reason: 'length' })],
      'empty-output',
      false,
    ],
    ['stop without content', [stop], 'empty-output', true],
    ['[DONE] alone', ['[DONE]'], 'empty-output', true],
    ['white space only', [delta({ content: ' \n' }), stop], 'empty-output', true],
    ['sensitive', [hello, delta({}, { finish_reason: 'sensitive' })], 'content-filtered', false],
    ['content_filter', [hello, delta({}, { finish_reason: 'content_filter' })], 'content-filtered', false],
    ['network_error', [hello, delta({}, { finish_reason: 'network_error' })], 'provider-error', true],
    [
      'model_context_window_exceeded',
      [hello, delta({}, { finish_reason: 'model_context_window_exceeded' })],
      'context-too-long',
      false,
    ],
    ['nothing at all', [], 'truncated', true],
    ['no marker', [hello], 'truncated', true],
    ['finish_reason null to the end', [delta({ content: 'x' }, { finish_reason: null })], 'truncated', true],
  ])('is bad by %s', async (_name, chunks, code, retryable) => {
    const { failure, parts } = await read(frames(...chunks))
    expect(failure).toMatchObject({ code, retryable })
    expect(parts.some((part) => part.type === 'finish')).toBe(false)
  })

  it.each([
    ['an object', { error: { message: 'engine died', type: 'server_error' } }],
    ['a text', { error: 'engine died' }],
    ['flat', { code: 500, message: 'engine died' }],
    ['flat with success', { code: 500, msg: 'engine died', success: false }],
    [
      'with a finish reason',
      { error: { code: 502, message: 'engine died' }, choices: [{ delta: {}, finish_reason: 'error' }] },
    ],
  ])('is the error of a frame in mid-stream: %s', async (_name, frame) => {
    const { failure, text } = await read(frames(hello, frame, '[DONE]'))
    expect(text).toBe('hello')
    expect(failure).toMatchObject({ code: 'provider-error', retryable: true })
    expect(failure?.message).toContain('engine died')
  })
})

describe('after the finish reason', () => {
  const bytes = new TextEncoder().encode(
    [delta({ content: 'hello' }), stop].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''),
  )

  it('a reset connection takes nothing from the answer', async () => {
    async function* reset(): AsyncGenerator<Uint8Array> {
      yield bytes
      throw Object.assign(new Error('terminated'), { code: 'UND_ERR_SOCKET' })
    }
    const { text, failure } = await read(reset())
    expect({ text, failure }).toEqual({ text: 'hello', failure: null })
  })

  it('a host that neither says [DONE] nor hangs up is not waited for longer than 5 s', async () => {
    const clock = new VirtualClock()
    const stalled = Promise.withResolvers<never>()
    using patience = new Patience(clock, (limitMs) => stalled.reject(new Error(`gave up after ${limitMs}`)))
    async function* stalling(): AsyncGenerator<Uint8Array> {
      yield bytes
      await stalled.promise
    }
    const reading = read(stalling(), patience, 180_000)
    await clock.advance(5000)
    expect(await reading).toMatchObject({ text: 'hello', failure: null })
  })
})

describe('damage', () => {
  const must = delta({ content: 'You must ' })
  const not = JSON.stringify(delta({ content: 'NOT ' }))
  const remove = delta({ content: 'delete the table.' })
  const lost = { code: 'malformed-output', retryable: true }

  it.each([
    [
      'and the next glued to it',
      [must, `${not.slice(0, -6)}data: ${JSON.stringify(remove)}`, stop, '[DONE]'],
    ],
    ['and the next ones in order', [must, not.slice(0, -6), remove, stop, '[DONE]']],
    ['as the first', [not.slice(0, -6), remove, stop, '[DONE]']],
    ['as the last before the finish reason', [must, remove, not.slice(0, -6), stop, '[DONE]']],
    ['with [DONE] glued to it', [must, remove, `${not.slice(0, -6)}data: [DONE]`]],
    ['with the finish reason in it', [must, remove, JSON.stringify(stop).slice(0, -8), '[DONE]']],
    ['although its visible part is only a role', [must, '{"choices":[{"delta":{"role":"assi', remove, stop]],
  ])('makes no answer of what is around a cut frame, %s', async (_name, chunks) => {
    const { failure, parts, text } = await read(frames(...chunks))
    expect(failure).toMatchObject(lost)
    expect(parts.some((part) => part.type === 'finish')).toBe(false)
    expect('You must delete the table.'.startsWith(text)).toBe(true)
  })

  it('does not wait for the end of an answer with a hole, nor read on', async () => {
    const bytes = [must, not.slice(0, -6), remove].map((chunk) =>
      Buffer.from(`data: ${typeof chunk === 'string' ? chunk : JSON.stringify(chunk)}\n\n`),
    )
    let given = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield bytes[Math.min(given++, bytes.length - 1)] ?? Buffer.alloc(0)
    }
    const { failure, text } = await read(endless())
    expect({ given, text }).toEqual({ given: 3, text: 'You must ' })
    expect(failure).toMatchObject(lost)
  })

  it('counts the usage that comes right behind the hole', async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 4 }
    const outcome = await read(frames(must, not.slice(0, -6), { ...(stop as object), usage }))
    expect(usageOf(outcome)).toMatchObject({ usage: { outputTokens: 4, source: 'provider' } })
  })

  it('tells the error behind a cut frame', async () => {
    const { failure } = await read(frames(must, not.slice(0, -6), { error: { message: 'engine died' } }))
    expect(failure?.message).toContain('engine died')
  })

  it.each([
    ['cut after the finish reason', [must, remove, stop, '{"choices":[],"usage":{"prompt_to data: [DONE]']],
    ['glued but whole', [`${JSON.stringify(must)}data: ${JSON.stringify(remove)}`, stop]],
    ['with its name twice', [must, `data: ${JSON.stringify(remove)}`, stop]],
    ['beside words that keep the connection alive', [must, 'ping', '', remove, 'ping', stop]],
  ])('loses nothing by a frame %s', async (_name, chunks) => {
    const { text, failure } = await read(frames(...chunks))
    expect({ text, failure }).toEqual({ text: 'You must delete the table.', failure: null })
  })

  it('forgives missing and null fields and chunks that say nothing', async () => {
    const { text, failure } = await read(
      frames(
        {},
        { id: '', choices: null, usage: null },
        { choices: [] },
        { choices: [null] },
        { choices: [{}] },
        'null',
        '[]',
        delta(null),
        delta({ content: null, tool_calls: null }),
        delta({ content: 'ok' }),
        stop,
      ),
    )
    expect({ text, failure }).toEqual({ text: 'ok', failure: null })
  })

  it('gives up a frame beyond one MiB', async () => {
    async function* huge(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('data: ')
      for (let i = 0; i < 40; i++) yield Buffer.alloc(64 * 1024, 120)
    }
    expect((await read(huge())).failure).toMatchObject({ code: 'malformed-output', retryable: true })
  })
})

describe('sources', () => {
  const result = {
    title: 'T',
    link: 'https://t.example',
    content: 'C',
    publish_date: '2026-01-02',
    refer: 'ref_1',
  }
  const source = {
    type: 'source',
    title: 'T',
    url: 'https://t.example',
    snippet: 'C',
    publishedAt: '2026-01-02',
  }

  it.each([
    ['the chunk', { ...(delta({ content: 'x' }) as object), web_search: [result] }],
    ['a web_search tool call', delta({ tool_calls: [{ type: 'web_search', search_result: [result] }] })],
  ])('are read from %s', async (_name, chunk) => {
    const { parts, failure } = await read(frames(chunk, delta({ content: 'x' }), stop))
    expect(failure).toBeNull()
    expect(parts).toContainEqual(source)
    expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
  })
})
