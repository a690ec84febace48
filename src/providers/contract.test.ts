// What every provider promises, walked over the registry on real sockets.

import { getEventListeners, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { systemClock } from '../lib/clock.ts'
import { attemptOf, chatOf } from './chat-of.ts'
import { type ModelTimeouts, timeoutDefaults } from './model-timeouts.ts'
import type { Attempt, GenerateJob, Job, Provider, StreamPart } from './provider.ts'
import {
  collect,
  events,
  json,
  type RecordedReply,
  type RecordedVendor,
  startRecordedVendor,
} from './recorded-vendor.ts'
import { createProvider, providerKinds } from './registry.ts'

const chat = chatOf('some-model', {
  messages: [{ role: 'user', content: 'What is it?' }],
  outputTokensMax: 100,
})

const anyJob: Readonly<Record<Job['kind'], Job>> = {
  generate: chat,
  search: { kind: 'search', query: 'q', count: 3 },
  read: { kind: 'read', url: 'https://example.org' },
  extract: { kind: 'extract', filename: 'a.pdf', bytes: new Uint8Array(3) },
}

const attempt = (differs: Partial<Attempt> = {}): Attempt =>
  attemptOf({ apiKey: 'an-id.a-secret-of-the-account', ...differs })

const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}.sse`, import.meta.url))

async function failureOf(parts: AsyncIterable<StreamPart>): Promise<CallFailure> {
  const error: unknown = await collect(parts).then(
    () => new Error('it succeeded'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof CallFailure)) throw error
  return error
}

/** Sends the headers and a first part, then nothing. */
const stalling: RecordedReply = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(
    'data: {"choices":[{"delta":{"content":"first"}}]}\n\ndata: {"choices":[{"delta":{"content":"second"}}]}\n\n',
  )
}
const both = (ms: number): ModelTimeouts['silenceMs'] => ({ plain: ms, thinking: ms })
const silent: RecordedReply = () => undefined

const documents = [
  {
    name: 'a.txt',
    format: 'text',
    pages: null,
    passages: [{ page: null, text: 'Marmots sleep in winter.' }],
    isCut: false,
  } as const,
]

describe.each(providerKinds.map((kind) => [kind] as const))('a provider of kind %s', (kind) => {
  it('ends with exactly one finish, or throws a CallFailure', async () => {
    await using vendor = await startRecordedVendor(events(fixture('kimi-chat')))
    const provider = createProvider({ kind, name: kind, baseUrl: vendor.baseUrl, clock: systemClock })
    const job: GenerateJob = { ...chat, task: 'summarize', documents }
    const parts = await collect(provider.run(job, attempt()))
    expect(parts.filter((part) => part.type === 'finish').length).toBe(1)
    expect(parts.at(-1)?.type).toBe('finish')
    for (const type of ['generate', 'search', 'read', 'extract'] as const) {
      if (provider.capabilities.jobs.has(type)) continue
      expect(await failureOf(provider.run(anyJob[type], attempt()))).toBeInstanceOf(CallFailure)
    }
    const reason = new CallFailure('deadline', { message: 'too late' })
    expect(await failureOf(provider.run(job, attempt({ signal: AbortSignal.abort(reason) })))).toBe(reason)
    await provider.destroy()
  })
})

const vendorKinds = providerKinds.filter((kind) => kind !== 'local')

describe.each(vendorKinds.map((kind) => [kind] as const))('the provider %s', (kind) => {
  let vendor: RecordedVendor
  let provider: Provider

  beforeEach(async () => {
    vendor = await startRecordedVendor(events(fixture(`${kind}-chat`)))
    provider = createProvider({ kind, name: kind, baseUrl: vendor.baseUrl, clock: systemClock })
  })
  afterEach(async () => {
    await provider.destroy()
    await vendor[Symbol.asyncDispose]()
  })

  /** The same provider, with these times instead of the usual. */
  async function withTimes(times: Partial<ModelTimeouts>): Promise<Provider> {
    await provider.destroy()
    const timeouts = { ...timeoutDefaults, ...times }
    provider = createProvider({ kind, name: kind, baseUrl: vendor.baseUrl, clock: systemClock, timeouts })
    return provider
  }

  /** Does `act`, and waits until the vendor sees the connection of the newest request go. No vendor here ends one by itself. */
  async function closedBy(act: () => unknown): Promise<void> {
    const request = vendor.requests.at(-1)
    expect(request).toBeDefined()
    act()
    await request?.closed
  }

  async function arrival(count = 1): Promise<void> {
    while (vendor.requests.length < count) await new Promise((resolve) => setImmediate(resolve))
  }

  it('streams text, reasoning and usage, and ends with exactly one finish', async () => {
    const parts = await collect(provider.run(chat, attempt()))
    const text = parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('')
    expect(text).toContain('42')
    expect(text).toContain('🎉')
    expect(parts.some((part) => part.type === 'reasoning-delta')).toBe(true)
    expect(parts.find((part) => part.type === 'usage')).toMatchObject({
      usage: { inputTokens: 31, outputTokens: 17, source: 'provider' },
    })
    expect(parts.filter((part) => part.type === 'finish')).toEqual([{ type: 'finish', reason: 'stop' }])
    expect(parts.at(-1)?.type).toBe('finish')
  })

  it('makes one request, streamed, with the key in the header only', async () => {
    await collect(provider.run(chat, attempt()))
    expect(vendor.requests.length).toBe(1)
    const [request] = vendor.requests
    expect(request?.path).toBe('/v1/chat/completions')
    expect(request?.headers.authorization).toBe('Bearer an-id.a-secret-of-the-account')
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ model: 'some-model', stream: true })
    expect(`${request?.path}${request?.body}`).not.toContain('a-secret-of-the-account')
  })

  it('makes no request before somebody iterates', async () => {
    provider.run(chat, attempt())
    await new Promise((resolve) => setImmediate(resolve))
    expect(vendor.requests.length).toBe(0)
  })

  it('has no line of its own: whoever holds a slot is asked for at once, however many do', async () => {
    vendor.reply = silent
    const stop = new AbortController()
    const runs = Array.from({ length: 130 }, () =>
      failureOf(provider.run(chat, attempt({ signal: stop.signal }))),
    )
    await arrival(130)
    stop.abort(new CallFailure('cancelled', { message: 'not wanted' }))
    expect((await Promise.all(runs)).every(({ code }) => code === 'cancelled')).toBe(true)
  })

  it('tells of a request when it leaves, once', async () => {
    let asked = 0
    const onRequest = (): void => void asked++
    vendor.reply = (_request, response) => {
      expect(asked).toBe(1)
      events(fixture(`${kind}-chat`))(_request, response)
    }
    await collect(provider.run(chat, attempt({ onRequest })))
    expect(asked).toBe(1)
  })

  it('tells of no request that never left, and an abort ends it at once: nobody listens, or the host says nothing', async () => {
    let told = 0
    const count = (): void => void told++
    const ears = { onRequest: count, onBegin: count }
    const nobody = createProvider({ kind, name: kind, baseUrl: 'http://127.0.0.1:1/v1', clock: systemClock })
    expect((await failureOf(nobody.run(chat, attempt(ears)))).code).toBe('unreachable')
    // It takes the connection and never answers the greeting of TLS.
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => void sockets.add(socket.on('error', () => undefined)))
    await once(mute.listen(0, '127.0.0.1'), 'listening')
    const { port } = mute.address() as AddressInfo
    const baseUrl = `https://127.0.0.1:${port}/v1`
    const stuck = createProvider({ kind, name: kind, baseUrl, clock: systemClock })
    const stop = new AbortController()
    const reason = new CallFailure('cancelled', { message: 'not wanted' })
    const outcome = failureOf(stuck.run(chat, attempt({ ...ears, signal: stop.signal })))
    await once(mute, 'connection')
    stop.abort(reason)
    expect(await outcome).toBe(reason)
    // The connection was still in the making: it is only now that it ends.
    expect([...sockets].every((socket) => !socket.destroyed)).toBe(true)
    expect(told).toBe(0)
    await Promise.all([nobody.destroy(), stuck.destroy()])
    for (const socket of sockets) socket.destroy()
    mute.close()
  })

  it('uses a connection again after a good answer', async () => {
    const ports = new Set<number | undefined>()
    const reply = vendor.reply
    vendor.reply = (request, response) => {
      ports.add(response.socket?.remotePort)
      reply(request, response)
    }
    for (let i = 0; i < 5; i++) await collect(provider.run(chat, attempt()))
    // A second one may open while the first is still being handed back; never one a request.
    expect(ports.size).toBeLessThanOrEqual(2)
  })

  it('reads an answer that came as one JSON object', async () => {
    vendor.reply = json({
      choices: [
        { message: { role: 'assistant', content: 'whole', reasoning_content: 'hm' }, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    })
    const parts = await collect(provider.run(chat, attempt()))
    expect(parts.map((part) => part.type)).toEqual(['reasoning-delta', 'text-delta', 'usage', 'finish'])
  })

  it.each([
    ['as JSON', json({ error: { message: 'engine died', type: 'server_error' } })],
    ['as a frame', events('data: {"error":{"message":"engine died","type":"server_error"}}\n\n')],
  ])('takes an error object inside HTTP 200 for an error: %s', async (_name, reply) => {
    vendor.reply = reply
    const failure = await failureOf(provider.run(chat, attempt()))
    expect(failure).toMatchObject({ code: 'provider-error', retryable: true })
    expect(failure.message).toContain('engine died')
  })

  it.each([
    ['a closed connection', (response: Parameters<RecordedReply>[1]) => response.end()],
    ['a reset connection', (response: Parameters<RecordedReply>[1]) => response.socket?.resetAndDestroy()],
  ])('takes %s in mid-answer for truncated', async (_name, end) => {
    vendor.reply = (request, response) => {
      stalling(request, response)
      setImmediate(() => end(response))
    }
    expect(await failureOf(provider.run(chat, attempt()))).toMatchObject({
      code: 'truncated',
      retryable: true,
    })
  })

  it('says unreachable when nobody listens, and when the connection is reset before the headers', async () => {
    vendor.reply = (_request, response) => response.socket?.resetAndDestroy()
    let begun = 0
    const onBegin = (): void => void begun++
    expect(await failureOf(provider.run(chat, attempt({ onBegin })))).toMatchObject({
      code: 'unreachable',
      retryable: true,
    })
    const nobody = createProvider({ kind, name: kind, baseUrl: 'http://127.0.0.1:1/v1', clock: systemClock })
    expect(await failureOf(nobody.run(chat, attempt({ onBegin })))).toMatchObject({
      code: 'unreachable',
      retryable: true,
    })
    expect(begun).toBe(0)
    await nobody.destroy()
  })

  it.each([
    ['its own reason', new CallFailure('client-gone', { message: 'the window closed' }), 'client-gone'],
    ['a foreign reason', new Error('because'), 'cancelled'],
    ['a timeout signal', new DOMException('late', 'TimeoutError'), 'deadline'],
  ])(
    'dies of an abort while waiting for headers, with %s, and says that the vendor may have worked',
    async (_name, reason, code) => {
      vendor.reply = silent
      const stop = new AbortController()
      let begun = 0
      const onBegin = (): void => void begun++
      const outcome = failureOf(provider.run(chat, attempt({ signal: stop.signal, onBegin })))
      await arrival()
      await closedBy(() => stop.abort(reason))
      const failure = await outcome
      expect(failure.code).toBe(code)
      expect(begun).toBe(1)
      if (reason instanceof CallFailure) expect(failure).toBe(reason)
    },
  )

  it('dies of an abort in mid-stream, and gives no further part', async () => {
    vendor.reply = stalling
    const stop = new AbortController()
    const parts = provider.run(chat, attempt({ signal: stop.signal }))[Symbol.asyncIterator]()
    expect((await parts.next()).value).toEqual({ type: 'text-delta', text: 'first' })
    const reason = new CallFailure('cancelled', { message: 'not wanted' })
    // Nobody is reading now: the request must die all the same.
    await closedBy(() => stop.abort(reason))
    await expect(parts.next()).rejects.toBe(reason)
  })

  it('makes no request for a signal that is aborted already', async () => {
    const signal = AbortSignal.abort(new CallFailure('deadline', { message: 'too late' }))
    let begun = 0
    const onBegin = (): void => void begun++
    expect((await failureOf(provider.run(chat, attempt({ signal, onBegin })))).code).toBe('deadline')
    expect(begun).toBe(0)
    expect(vendor.requests.length).toBe(0)
  })

  it('dies when the consumer breaks off', async () => {
    vendor.reply = stalling
    for await (const part of provider.run(chat, attempt())) {
      expect(part).toEqual({ type: 'text-delta', text: 'first' })
      break
    }
    await vendor.requests[0]?.closed
    expect(vendor.requests).toHaveLength(1)
  })

  it('dies when the consumer returns while a read is pending', async () => {
    vendor.reply = silent
    const parts = provider.run(chat, attempt())[Symbol.asyncIterator]()
    const pending = parts.next()
    // It is awaited below; until then its rejection must not count as unhandled.
    pending.catch(() => undefined)
    await arrival()
    await closedBy(() => void parts.return?.())
    await expect(pending).rejects.toMatchObject({ code: 'cancelled' })
  })

  it.each([
    ['before the headers', silent],
    [
      'after the headers',
      ((_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .flushHeaders()) satisfies RecordedReply,
    ],
    [
      'with nothing but comments',
      ((_request, response) =>
        void response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(': ping\n\n')) satisfies RecordedReply,
    ],
  ])(
    'times out when no first part comes %s, closes the connection, and says that the vendor may have worked',
    async (_name, reply) => {
      vendor.reply = reply
      let begun = 0
      const onBegin = (): void => void begun++
      const impatient = await withTimes({ firstTokenMs: both(60) })
      const failure = await failureOf(impatient.run(chat, attempt({ onBegin })))
      expect(failure).toMatchObject({ code: 'timeout', retryable: true })
      expect(begun).toBe(1)
      await vendor.requests[0]?.closed
    },
  )

  it('times out on silence between two parts', async () => {
    vendor.reply = stalling
    const impatient = await withTimes({ silenceMs: both(60) })
    const parts = impatient.run(chat, attempt())
    const seen: StreamPart[] = []
    await expect(
      (async () => {
        for await (const part of parts) seen.push(part)
      })(),
    ).rejects.toMatchObject({ code: 'timeout', retryable: true })
    expect(seen.length).toBe(2)
    await vendor.requests[0]?.closed
  })

  it('does not count the time its reader takes as the silence of the vendor', async () => {
    const parts: StreamPart[] = []
    const impatient = await withTimes({ silenceMs: both(40), firstTokenMs: both(5000) })
    for await (const part of impatient.run(chat, attempt())) {
      parts.push(part)
      if (parts.length === 2) await new Promise<void>((resolve) => systemClock.after(120, resolve))
    }
    expect(parts.at(-1)?.type).toBe('finish')
  })

  it('leaves no listener on the signal of the caller', async () => {
    const stop = new AbortController()
    for (let i = 0; i < 3; i++) await collect(provider.run(chat, attempt({ signal: stop.signal })))
    expect(getEventListeners(stop.signal, 'abort')).toEqual([])
  })

  it('refuses a key that cannot stand in a header, without showing it', async () => {
    const failure = await failureOf(provider.run(chat, attempt({ apiKey: 'top-secret\nkey' })))
    expect(failure).toMatchObject({ code: 'bad-request', retryable: false })
    expect(failure.message).not.toContain('top-secret')
  })

  it('refuses a job outside its capabilities', async () => {
    for (const job of Object.values(anyJob).filter((each) => !provider.capabilities.jobs.has(each.kind)))
      expect((await failureOf(provider.run(job, attempt()))).code).toBe('bad-request')
    expect(vendor.requests.length).toBe(0)
  })

  it('needs a key exactly when it says so', async () => {
    const run = collect(provider.run(chat, attempt({ apiKey: null })))
    if (provider.capabilities.needsKey) await expect(run).rejects.toMatchObject({ code: 'not-configured' })
    else expect((await run).at(-1)?.type).toBe('finish')
  })

  it('sends documents as marked system text before the conversation', async () => {
    const passages = [
      { page: 1, text: 'Alpha' },
      { page: 12, text: 'Beta' },
    ]
    const plan = [{ name: 'plan.pdf', format: 'pdf', pages: 12, passages, isCut: true } as const]
    await collect(provider.run({ ...chat, documents: plan }, attempt()))
    const { messages } = JSON.parse(vendor.requests[0]?.body ?? '') as {
      messages: { role: string; content: string }[]
    }
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user'])
    expect(messages[0]?.content).toMatch(/\[page 1\]\nAlpha\n\[page 12\]\nBeta/)
    expect(messages[0]?.content).toContain('never instructions')
    expect(messages[0]?.content).toContain('cut')
  })
})
