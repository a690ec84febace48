import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { systemClock } from '../lib/clock.ts'
import { attemptOf, chatOf } from './chat-of.ts'
import { createKimiProvider } from './kimi.ts'
import type { Attempt, GenerateJob, Job, Provider, StreamPart, Usage } from './provider.ts'
import {
  collect,
  events,
  json,
  type RecordedReply,
  type RecordedVendor,
  startRecordedVendor,
} from './recorded-vendor.ts'

const answer = events(readFileSync(new URL('./fixtures/kimi-chat.sse', import.meta.url)))
const chat = chatOf('kimi-k3')

let vendor: RecordedVendor
let provider: Provider

beforeEach(async () => {
  vendor = await startRecordedVendor(answer)
  provider = createKimiProvider({ name: 'kimi', baseUrl: vendor.baseUrl, clock: systemClock })
})
afterEach(async () => {
  await provider.destroy()
  await vendor[Symbol.asyncDispose]()
})

const run = (job: Job, differs: Partial<Attempt> = {}): Promise<StreamPart[]> =>
  collect(provider.run(job, attemptOf(differs)))

async function bodyOf(
  differs: Partial<GenerateJob>,
  more: Partial<Attempt> = {},
): Promise<Record<string, unknown>> {
  await run({ ...chat, ...differs }, more)
  return JSON.parse(vendor.requests.at(-1)?.body ?? '') as Record<string, unknown>
}

describe('a chat request to Kimi', () => {
  it('holds no sampling, caps by max_completion_tokens and asks for usage', async () => {
    expect(
      await bodyOf({ temperature: 0.2, effort: 'medium', json: true }, { endUser: 'user-0001' }),
    ).toEqual({
      model: 'kimi-k3',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 500,
      reasoning_effort: 'high',
      response_format: { type: 'json_object' },
      safety_identifier: 'user-0001',
    })
  })

  it.each<[string, Partial<GenerateJob>, Record<string, unknown>]>([
    ['K3 takes no thinking field: off is low effort', { thinking: 'off' }, { reasoning_effort: 'low' }],
    [
      'K2.6 may be told not to think',
      { model: 'kimi-k2.6', thinking: 'off', effort: 'low' },
      { thinking: { type: 'disabled' } },
    ],
    ['K2.7-code takes neither', { model: 'kimi-k2.7-code', thinking: 'off', effort: 'low' }, {}],
  ])('fits thinking to the model: %s', async (_name, differs, fields) => {
    const body = await bodyOf(differs)
    expect({ thinking: body.thinking, reasoning_effort: body.reasoning_effort }).toEqual({
      thinking: undefined,
      reasoning_effort: undefined,
      ...fields,
    })
  })

  it('sends a reasoning field with every tool call, empty if none is known', async () => {
    const body = await bodyOf({
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: '', toolUses: [{ id: 'f:0', name: 'f', input: '{}' }] },
        { role: 'tool', toolUseId: 'f:0', content: 'r' },
      ],
    })
    expect((body.messages as unknown[])[1]).toMatchObject({ role: 'assistant', reasoning_content: '' })
  })

  it.each([
    'moonshot-v1-128k',
    'kimi-k2.5',
    'kimi-k2-0905-preview',
    'kimi-k2-thinking',
    'kimi-latest',
    'kimi-thinking-preview',
  ])('answers the dead model %s with a successor', async (model) => {
    await expect(run({ ...chat, model })).rejects.toMatchObject({
      code: 'model-unknown',
      message: expect.stringMatching(/Use kimi-k(3|2\.6)/),
    })
    expect(vendor.requests.length).toBe(0)
  })

  it.each(['kimi-k3', 'kimi-k3.1-pro', 'kimi-k2.6', 'kimi-k2.7-code', 'kimi-k2.7-code-highspeed', 'kimi-k9'])(
    'takes the model %s for alive',
    async (model) => {
      expect((await bodyOf({ model })).model).toBe(model)
    },
  )
})

describe('a search by Kimi', () => {
  const search: Job = { kind: 'search', query: 'q', count: 3 }
  const fails = async (job: Job): Promise<{ usages: Usage[]; failure: unknown }> => {
    const usages: Usage[] = []
    try {
      for await (const part of provider.run(job, attemptOf())) {
        if (part.type === 'usage') usages.push(part.usage)
      }
    } catch (failure) {
      return { usages, failure }
    }
    throw new Error('it should have failed')
  }
  const asks = (id: string, query: string): string =>
    `data: ${JSON.stringify({ choices: [{ delta: { reasoning_content: 'I search.', tool_calls: [{ index: 0, id, type: 'builtin_function', function: { name: '$web_search', arguments: `{"search_query":"${query}",` } }] } }] })}\n\n` +
    `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '"usage":{"total_tokens":900}}' } }] }, finish_reason: 'tool_calls' }], usage: { prompt_tokens: 10, completion_tokens: 5 } })}\n\ndata: [DONE]\n\n`

  it('echoes the arguments unchanged and answers with the text of the second turn', async () => {
    vendor.reply = (request, response) => {
      const isFirst = vendor.requests.length === 1
      const reply: RecordedReply = isFirst ? events(asks('$web_search:0', 'q')) : answer
      reply(request, response)
    }
    const parts = await run({ kind: 'search', query: 'q', count: 3, recency: 'day', domain: 'r.example' })
    expect(parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('')).toContain('42')
    expect(parts.filter((part) => part.type === 'usage')).toEqual([
      {
        type: 'usage',
        usage: {
          inputTokens: 41,
          outputTokens: 22,
          cachedInputTokens: 8,
          reasoningTokens: 0,
          searches: 1,
          source: 'provider',
        },
      },
    ])
    expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
    const [first, second] = vendor.requests.map(
      ({ body }) => JSON.parse(body) as { messages: unknown[]; tools: unknown[] },
    )
    expect(first?.tools).toEqual([{ type: 'builtin_function', function: { name: '$web_search' } }])
    expect(JSON.stringify(first?.messages)).toMatch(/last day.*r\.example/)
    expect(second?.messages.slice(2)).toEqual([
      {
        role: 'assistant',
        content: '',
        reasoning_content: 'I search.',
        tool_calls: [
          {
            id: '$web_search:0',
            type: 'builtin_function',
            function: { name: '$web_search', arguments: '{"search_query":"q","usage":{"total_tokens":900}}' },
          },
        ],
      },
      {
        role: 'tool',
        tool_call_id: '$web_search:0',
        name: '$web_search',
        content: '{"search_query":"q","usage":{"total_tokens":900}}',
      },
    ])
  })

  const without =
    (...models: string[]): RecordedReply =>
    (request, response) => {
      const { model } = JSON.parse(request.body) as { model: string }
      const message = `Not found the model ${model} or Permission denied`
      const refused = json({ error: { message, type: 'resource_not_found_error' } }, 404)
      ;(models.includes(model) ? refused : answer)(request, response)
    }
  const asked = (): unknown[] => vendor.requests.map(({ body }) => JSON.parse(body).model)

  it('is made by K2.6 where the account does not have K3, and then by K2.6 at once', async () => {
    vendor.reply = without('kimi-k3')
    for (let time = 0; time < 2; time++) {
      expect((await run(search)).at(-1)).toEqual({ type: 'finish', reason: 'stop' })
    }
    expect(asked()).toEqual(['kimi-k3', 'kimi-k2.6', 'kimi-k2.6'])
  })

  it('says what to set where the account has no model that searches, and nothing of models to list', async () => {
    vendor.reply = without('kimi-k3', 'kimi-k2.6')
    await expect(run(search)).rejects.toMatchObject({
      code: 'model-unknown',
      isVendors: true,
      message:
        'The provider kimi accepted no model to search with (HTTP 404, resource_not_found_error: Not found the model kimi-k2.6 or Permission denied). Tried: kimi-k3, kimi-k2.6. Set providers.kimi.searchModel in exai.yaml to a model that searches and that the account has.',
    })
  })

  it('keeps apart what different accounts have', async () => {
    vendor.reply = (request, response) => {
      const isNew = request.headers.authorization === 'Bearer new'
      without(isNew ? 'kimi-k2.6' : 'kimi-k3')(request, response)
    }
    for (const apiKey of ['old', 'new', 'old', 'new']) await run(search, { apiKey })
    expect(asked()).toEqual(['kimi-k3', 'kimi-k2.6', 'kimi-k3', 'kimi-k2.6', 'kimi-k3'])
  })

  it('stops a model that never stops searching', async () => {
    vendor.reply = events(asks('s:0', 'again'))
    const { usages, failure } = await fails(search)
    expect(failure).toMatchObject({ code: 'provider-error', retryable: true })
    expect(vendor.requests.length).toBe(4)
    expect(usages).toMatchObject([{ inputTokens: 40, searches: 3, source: 'provider' }])
  })

  it('is paid by its searches: none, and no more than it may make, however many are asked for at once', async () => {
    const none = await run(search)
    expect(none.find((part) => part.type === 'usage')).toMatchObject({ usage: { searches: 0 } })
    const five = Array.from({ length: 5 }, (_, index) => ({
      index,
      id: `s:${index}`,
      function: { name: '$web_search', arguments: '{}' },
    }))
    const many = `data: ${JSON.stringify({ choices: [{ delta: { tool_calls: five }, finish_reason: 'tool_calls' }] })}\n\ndata: [DONE]\n\n`
    vendor.reply = (request, response) =>
      (vendor.requests.length === 2 ? events(many) : answer)(request, response)
    const parts = await run(search)
    expect(parts.find((part) => part.type === 'usage')).toMatchObject({ usage: { searches: 4 } })
    const { messages } = JSON.parse(vendor.requests.at(-1)?.body ?? '') as { messages: { content: string }[] }
    expect(messages.at(-1)?.content).toContain('No more searches')
    expect(provider.capabilities.searchesMax).toBe(4)
  })

  it('that fails after a search says what it cost until then, and that this is not all', async () => {
    vendor.reply = (request, response) =>
      (vendor.requests.length === 1 ? events(asks('s:0', 'q')) : json({ error: { message: 'x' } }, 500))(
        request,
        response,
      )
    const { usages, failure } = await fails(search)
    expect(failure).toMatchObject({ code: 'provider-error' })
    expect(usages).toMatchObject([{ inputTokens: 10, outputTokens: 5, searches: 1, source: 'estimated' }])
  })
})

describe('an extraction by Kimi', () => {
  const job: Job = {
    kind: 'extract',
    filename: 'Secret Plan.PDF',
    bytes: new TextEncoder().encode('%PDF-fake'),
  }
  const file = {
    id: 'file_1',
    object: 'file',
    bytes: 9,
    filename: 'x',
    purpose: 'file-extract',
    status: 'ready',
  }
  const plain: RecordedReply = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'text/plain' }).end('The text')
  let content: RecordedReply
  let upload: RecordedReply
  let list: unknown

  beforeEach(() => {
    content = plain
    upload = json(file)
    list = { object: 'list', data: [] }
    vendor.reply = (request, response) => {
      if (request.method === 'DELETE')
        json({ id: 'file_1', object: 'file', deleted: true })(request, response)
      else if (request.method === 'POST') upload(request, response)
      else if (request.path.endsWith('/content')) content(request, response)
      else json(list)(request, response)
    }
  })

  const calls = (): string[] => vendor.requests.map(({ method, path }) => `${method} ${path}`)

  it('uploads, reads the text and deletes the file', async () => {
    expect(await run(job)).toEqual([
      { type: 'text-delta', text: 'The text' },
      { type: 'finish', reason: 'stop' },
    ])
    await provider.destroy()
    expect(calls()).toEqual(['POST /v1/files', 'GET /v1/files/file_1/content', 'DELETE /v1/files/file_1'])
    const [sent] = vendor.requests
    expect(sent?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
    expect(Number(sent?.headers['content-length'])).toBe(sent?.body.length)
    expect(sent?.body).toContain('name="purpose"\r\n\r\nfile-extract\r\n')
    expect(sent?.body).toContain('name="file"; filename="exai-request-1.PDF"')
    expect(sent?.body).toContain('\r\n\r\n%PDF-fake\r\n--')
    expect(sent?.body).not.toContain('Secret')
  })

  it('reads the text out of JSON where the vendor wraps it, and leaves a file of JSON alone', async () => {
    content = json({ content: 'Inner', file_type: 'application/pdf', filename: 'x', title: '', type: 'file' })
    expect((await run(job))[0]).toEqual({ type: 'text-delta', text: 'Inner' })
    content = json({ content: 'mine' })
    expect((await run(job))[0]).toEqual({ type: 'text-delta', text: '{"content":"mine"}' })
  })

  it('deletes the file when the text cannot be had', async () => {
    content = json({ error: { type: 'server_error', message: 'Failed to extract file: broken' } }, 500)
    await expect(run(job)).rejects.toMatchObject({ code: 'provider-error', retryable: true })
    await provider.destroy()
    expect(calls().at(-1)).toBe('DELETE /v1/files/file_1')
  })

  it('deletes the file when the text is empty', async () => {
    content = (_request, response) => void response.writeHead(200).end(' ')
    await expect(run(job)).rejects.toMatchObject({ code: 'empty-output' })
    await provider.destroy()
    expect(calls().at(-1)).toBe('DELETE /v1/files/file_1')
  })

  it('deletes the file when the caller leaves while the text is awaited', async () => {
    const stop = new AbortController()
    const reason = new CallFailure('client-gone', { message: 'the window closed' })
    content = () => stop.abort(reason)
    await expect(run(job, { signal: stop.signal })).rejects.toBe(reason)
    await provider.destroy()
    expect(calls().at(-1)).toBe('DELETE /v1/files/file_1')
  })

  it('finds and deletes a file whose upload was cut off, by the name it gave it', async () => {
    const stop = new AbortController()
    upload = () => stop.abort(new CallFailure('cancelled', { message: 'no' }))
    list = {
      object: 'list',
      data: [
        { id: 'other', filename: 'other.pdf' },
        { id: 'file_9', filename: 'exai-request-1.PDF' },
      ],
    }
    await expect(run(job, { signal: stop.signal })).rejects.toMatchObject({ code: 'cancelled' })
    await provider.destroy()
    expect(calls()).toEqual(['POST /v1/files', 'GET /v1/files', 'DELETE /v1/files/file_9'])
  })

  it('deletes nothing after an upload that was refused', async () => {
    upload = json(
      {
        error: {
          type: 'invalid_request_error',
          message: 'File size is zero, please confirm and re-upload the file',
        },
      },
      400,
    )
    await expect(run(job)).rejects.toMatchObject({ code: 'bad-request' })
    await provider.destroy()
    expect(calls()).toEqual(['POST /v1/files'])
  })

  it('does not fail for a deletion that fails', async () => {
    const reply = vendor.reply
    vendor.reply = (request, response) => {
      if (request.method === 'DELETE') response.destroy()
      else reply(request, response)
    }
    expect((await run(job)).at(-1)).toEqual({ type: 'finish', reason: 'stop' })
    await provider.destroy()
  })
})
