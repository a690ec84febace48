import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { systemClock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { attemptOf, chatOf } from './chat-of.ts'
import { createGlmProvider } from './glm.ts'
import { searchEnginesFor } from './glm-web.ts'
import { type ModelTimeouts, timeoutDefaults } from './model-timeouts.ts'
import type { Attempt, GenerateJob, Job, Provider, StreamPart } from './provider.ts'
import { collect, events, json, type RecordedVendor, startRecordedVendor } from './recorded-vendor.ts'

const answer = events(
  'data: {"choices":[{"delta":{"content":"ok"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n',
)
const chat = chatOf('glm-5.2')

let vendor: RecordedVendor
let provider: Provider

beforeEach(async () => {
  vendor = await startRecordedVendor(answer)
  provider = createGlmProvider({ name: 'glm', baseUrl: vendor.baseUrl, clock: systemClock })
})
afterEach(async () => {
  await provider.destroy()
  await vendor[Symbol.asyncDispose]()
})

// What thinks has all the time: neither a search nor a page does.
const repliesIn = (ms: number): ModelTimeouts => ({
  ...timeoutDefaults,
  firstTokenMs: { plain: ms, thinking: 600_000 },
})

const run = (job: Job, differs: Partial<Attempt> = {}): Promise<StreamPart[]> =>
  collect(provider.run(job, attemptOf(differs)))

async function bodyOf(
  differs: Partial<GenerateJob>,
  attempt: Partial<Attempt> = {},
): Promise<Record<string, unknown>> {
  await run({ ...chat, ...differs }, attempt)
  return JSON.parse(vendor.requests.at(-1)?.body ?? '') as Record<string, unknown>
}

describe('a chat request to GLM', () => {
  it('holds nothing that GLM does not know', async () => {
    const tools = [{ name: 'f', description: 'd', parameters: { type: 'object' } }]
    const body = await bodyOf(
      { tools, temperature: 0.333, json: true, thinking: 'on', effort: 'high' },
      { endUser: 'user-0001' },
    )
    expect(body).toEqual({
      model: 'glm-5.2',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
      max_tokens: 500,
      thinking: { type: 'enabled' },
      reasoning_effort: 'high',
      temperature: 0.33,
      tools: [{ type: 'function', function: tools[0] }],
      tool_choice: 'auto',
      tool_stream: true,
      response_format: { type: 'json_object' },
      request_id: 'request-1',
      user_id: 'user-0001',
    })
  })

  it.each<[string, Partial<GenerateJob>, Record<string, unknown>]>([
    [
      '5.3 cannot stop thinking: it thinks little',
      { model: 'glm-5.3', thinking: 'off' },
      { reasoning_effort: 'low' },
    ],
    [
      '5.3 has no medium: it takes the next higher',
      { model: 'glm-5.3', effort: 'medium' },
      { reasoning_effort: 'high' },
    ],
    [
      '5.2 stops, and then takes no effort',
      { model: 'glm-5.2', thinking: 'off', effort: 'max' },
      { thinking: { type: 'disabled' } },
    ],
    [
      '4.7 takes no effort',
      { model: 'glm-4.7', thinking: 'on', effort: 'max' },
      { thinking: { type: 'enabled' } },
    ],
    ['an unknown model gets neither', { model: 'glm-7', thinking: 'off', effort: 'max' }, {}],
  ])('fits thinking to the model: %s', async (_name, differs, fields) => {
    const body = await bodyOf(differs)
    expect({ thinking: body.thinking, reasoning_effort: body.reasoning_effort }).toEqual({
      thinking: undefined,
      reasoning_effort: undefined,
      ...fields,
    })
  })

  it('caps the output at what the model can write', async () => {
    expect((await bodyOf({ model: 'glm-4.5v', outputTokensMax: 1_000_000 })).max_tokens).toBe(16_384)
  })

  it('says "no sampling" in words, and keeps temperatures within the range', async () => {
    const cold = await bodyOf({ temperature: 0 })
    expect([cold.do_sample, cold.temperature]).toEqual([false, undefined])
    expect((await bodyOf({ temperature: 1.7 })).temperature).toBe(1)
  })

  it('leaves out an end user whose id is too short for GLM', async () => {
    expect((await bodyOf({}, { endUser: 'me' })).user_id).toBeUndefined()
  })

  it('sends history with reasoning, tool calls and images in place', async () => {
    const body = await bodyOf({
      model: 'glm-4.6v',
      messages: [
        { role: 'system', content: 's' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'see' },
            { type: 'text', text: '' },
            { type: 'image', mediaType: 'image/png', base64: 'AAAA' },
          ],
        },
        { role: 'assistant', content: '', reasoning: 'hm', toolUses: [{ id: 'c1', name: 'f', input: '{}' }] },
        { role: 'tool', toolUseId: 'c1', content: 'r' },
      ],
    })
    expect(body.messages).toEqual([
      { role: 'system', content: 's' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'r' },
    ])
  })

  it('refuses an image for a model that cannot see, and names one that can', async () => {
    const content = [{ type: 'image', mediaType: 'image/png', base64: 'AAAA' }] as const
    await expect(run({ ...chat, messages: [{ role: 'user', content }] })).rejects.toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('glm-4.6v'),
    })
    expect(vendor.requests.length).toBe(0)
  })

  it('answers a dead model with its successor, without asking the vendor', async () => {
    await expect(run({ ...chat, model: 'glm-4-plus' })).rejects.toMatchObject({
      code: 'model-unknown',
      message: expect.stringContaining('glm-5.2'),
    })
    expect(vendor.requests.length).toBe(0)
  })
})

describe('a search by GLM', () => {
  const result = (n: number): unknown => ({
    title: `T${n}`,
    content: `C${n}`,
    link: `https://r.example/${n}`,
    media: 'm',
    icon: '',
    refer: `ref_${n}`,
    publish_date: '2026-11-20',
  })

  it('asks in GLM’s words and cuts the results to the count', async () => {
    vendor.reply = json({
      id: '1',
      created: 1,
      search_result: Array.from({ length: 15 }, (_, n) => result(n)),
    })
    const parts = await run(
      { kind: 'search', query: 'q', count: 2, recency: 'week', domain: 'r.example' },
      { endUser: 'user-0001' },
    )
    expect(vendor.requests[0]?.path).toBe('/v1/web_search')
    expect(JSON.parse(vendor.requests[0]?.body ?? '')).toEqual({
      search_query: 'q',
      search_engine: 'search-prime',
      search_intent: false,
      count: 2,
      search_domain_filter: 'r.example',
      search_recency_filter: 'oneWeek',
      request_id: 'request-1',
      user_id: 'user-0001',
    })
    expect(parts).toEqual([
      { type: 'source', title: 'T0', url: 'https://r.example/0', snippet: 'C0', publishedAt: '2026-11-20' },
      { type: 'source', title: 'T1', url: 'https://r.example/1', snippet: 'C1', publishedAt: '2026-11-20' },
      { type: 'finish', reason: 'stop' },
    ])
  })

  it('finds nothing without failing', async () => {
    for (const reply of [{ search_result: [] }, { search_result: null }, { id: '1', created: 1 }]) {
      vendor.reply = json(reply)
      expect(await run({ kind: 'search', query: 'q', count: 5 })).toEqual([
        { type: 'finish', reason: 'stop' },
      ])
    }
  })

  it('names the engine that the host knows', () => {
    expect(searchEnginesFor('https://api.z.ai/api/paas/v4')[0]).toBe('search-prime')
    expect(searchEnginesFor('https://open.bigmodel.cn/api/paas/v4')[0]).toBe('search_std')
  })

  it('tries the other names of an engine that the host refuses, each under its own id, and remembers which it takes', async () => {
    const asked = (): unknown[] =>
      vendor.requests.map(({ body }) => {
        const { search_engine, request_id } = JSON.parse(body)
        return [search_engine, request_id]
      })
    const refuse = (code: string, message: string): RecordedVendor['reply'] =>
      json({ error: { code, message } }, 400)
    vendor.reply = (request, response) => {
      const isKnown = JSON.parse(request.body).search_engine === 'search_pro_jina'
      const reply = isKnown ? json({ search_result: [] }) : refuse('1214', 'search_engine:not supported')
      reply(request, response)
    }
    await run({ kind: 'search', query: 'q', count: 1 })
    await run({ kind: 'search', query: 'q', count: 1 })
    expect(asked()).toEqual([
      ['search-prime', 'request-1'],
      ['search_pro_jina', 'request-1-1'],
      ['search_pro_jina', 'request-1'],
    ])
    vendor.reply = refuse('1214', 'search_query:too long')
    await expect(run({ kind: 'search', query: 'q', count: 1 })).rejects.toThrow('search_query:too long')
    expect(vendor.requests).toHaveLength(4)
    vendor.reply = refuse('1210', 'search_engine:no')
    await expect(run({ kind: 'search', query: 'q', count: 1 })).rejects.toMatchObject({
      code: 'model-unknown',
      isVendors: true,
      message:
        'The provider glm accepted no search engine (HTTP 400, code 1210: search_engine:no). Tried: search_pro_jina, search_std, search-prime. Set providers.glm.searchEngine in exai.yaml to an engine that this host has.',
    })
    expect(vendor.requests).toHaveLength(7)
  })

  it('asks for room in the rates before each name, and goes on with the next one where there was none', async () => {
    const log: string[] = []
    vendor.reply = (request, response) => {
      log.push(JSON.parse(request.body).search_engine)
      json({ error: { code: '1214', message: 'search_engine:no' } }, 400)(request, response)
    }
    const once = async (rooms: number): Promise<void> => {
      let left = rooms
      const mayRequest = async (): Promise<void> => {
        log.push('may I?')
        if (left-- === 0) throw new CallFailure('refused', { message: 'No room.' })
      }
      await expect(run({ kind: 'search', query: 'q', count: 1 }, { mayRequest })).rejects.toThrow('No room.')
    }
    await once(2)
    expect(log).toEqual(['may I?', 'search-prime', 'may I?', 'search_pro_jina', 'may I?'])
    log.length = 0
    await once(1)
    expect(log).toEqual(['may I?', 'search_std', 'may I?'])
  })

  it('keeps the name that one search has found, though another hears of a refusal later', async () => {
    let answerLate = (): void => undefined
    const hasCome = new Promise<void>((resolve) => {
      vendor.reply = (request, response) => {
        const { search_engine, request_id } = JSON.parse(request.body)
        const refused = json({ error: { code: '1214', message: 'search_engine:no' } }, 400)
        const reply = search_engine === 'search_std' ? json({ search_result: [] }) : refused
        if (request_id !== 'late') return reply(request, response)
        answerLate = () => reply(request, response)
        resolve()
      }
    })
    let asked = 0
    const mayRequest = async (): Promise<void> => {
      if (asked++ > 0) throw new CallFailure('refused', { message: 'No room.' })
    }
    const late = run({ kind: 'search', query: 'q', count: 1 }, { requestId: 'late', mayRequest })
    await hasCome
    await run({ kind: 'search', query: 'q', count: 1 })
    answerLate()
    await expect(late).rejects.toThrow('No room.')
    const before = vendor.requests.length
    await run({ kind: 'search', query: 'q', count: 1 })
    expect(vendor.requests.slice(before).map(({ body }) => JSON.parse(body).search_engine)).toEqual([
      'search_std',
    ])
  })

  it('does not take the wait for room for a silence of the vendor', async () => {
    const clock = new VirtualClock()
    const patient = createGlmProvider({
      name: 'glm',
      baseUrl: vendor.baseUrl,
      clock,
      timeouts: repliesIn(50),
    })
    vendor.reply = (request, response) => {
      const isKnown = JSON.parse(request.body).search_engine === 'search_pro_jina'
      const refused = json({ error: { code: '1214', message: 'search_engine:no' } }, 400)
      ;(isKnown ? json({ search_result: [] }) : refused)(request, response)
    }
    const attempt = attemptOf({ mayRequest: () => clock.advance(600_000) })
    const parts = await collect(patient.run({ kind: 'search', query: 'q', count: 1 }, attempt))
    await patient.destroy()
    expect(parts).toEqual([{ type: 'finish', reason: 'stop' }])
    expect(clock.pendingTimers).toBe(0)
  })

  it('takes the engine from the settings first', async () => {
    const other = createGlmProvider({
      name: 'glm',
      baseUrl: vendor.baseUrl,
      clock: systemClock,
      searchEngine: 'search_pro',
    })
    vendor.reply = json({ search_result: [] })
    await collect(
      other.run(
        { kind: 'search', query: 'q', count: 1 },
        { apiKey: 'k', requestId: 'r', signal: new AbortController().signal },
      ),
    )
    await other.destroy()
    expect(JSON.parse(vendor.requests[0]?.body ?? '').search_engine).toBe('search_pro')
  })

  it('times out like any other', async () => {
    vendor.reply = () => undefined
    const { baseUrl } = vendor
    const timeouts = repliesIn(50)
    const impatient = createGlmProvider({ name: 'glm', baseUrl, clock: systemClock, timeouts })
    const search: Job = { kind: 'search', query: 'q', count: 1 }
    await expect(collect(impatient.run(search, attemptOf()))).rejects.toMatchObject({ code: 'timeout' })
    await vendor.requests[0]?.closed
    await impatient.destroy()
  })
})

describe('a page read by GLM', () => {
  it('is its source and its text', async () => {
    vendor.reply = json({
      id: '1',
      reader_result: { content: '# Hi', title: 'T', description: 'D', url: 'https://p.example/' },
    })
    expect(await run({ kind: 'read', url: 'https://p.example' })).toEqual([
      { type: 'source', title: 'T', url: 'https://p.example/', snippet: 'D', publishedAt: null },
      { type: 'text-delta', text: '# Hi' },
      { type: 'finish', reason: 'stop' },
    ])
    expect(JSON.parse(vendor.requests[0]?.body ?? '')).toMatchObject({
      url: 'https://p.example',
      return_format: 'markdown',
      request_id: 'request-1',
    })
  })

  it('fails when the page has no text', async () => {
    vendor.reply = json({ id: '1', reader_result: { content: ' ', title: 'T' } })
    await expect(run({ kind: 'read', url: 'https://p.example' })).rejects.toMatchObject({
      code: 'empty-output',
    })
  })
})
