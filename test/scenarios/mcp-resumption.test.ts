// Event streams of the 2025 era that outlive their connection, on real sockets: a client that comes back with the id of the last
// event it has goes on from there, on its own stream and on a call's; nobody else can, and after a restart nobody waits in vain.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { identityOf } from '../../src/domain/identity-of.ts'
import { LateAnswers } from '../../src/surfaces/mcp/features/late-answers.ts'
import { defineTool, type Tool, type ToolContext } from '../../src/tools/tool.ts'
import { echoTool, type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'
import { initialize, post } from '../support/mcp-wire.ts'

let server: McpComposition
let answer: (text: string) => void = () => undefined
let asked = 0
let said = Promise.withResolvers<void>()

const gatedTool: Tool = defineTool({
  name: 'gated',
  title: 'Gated',
  description: 'Answers when it is told to.',
  input: z.strictObject({ isLoud: z.boolean().optional() }),
  annotations: {},
  pace: 'long',
  run: async ({ isLoud }, context) => {
    if (isLoud) await askMuch(context)
    asked += 1
    return new Promise((resolve, reject) => {
      answer = (text) => resolve({ content: [{ type: 'text', text }] })
      context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true })
    })
  },
})

/** Asks more than the kernel holds for one connection. */
async function askMuch({ elicit }: ToolContext): Promise<void> {
  await said.promise
  const schema = { type: 'object' as const, properties: {} }
  // Nobody answers it, and the call does not wait for that.
  void elicit({ key: 'long', message: 'w'.repeat(12_000_000), schema }).catch(() => undefined)
}

beforeEach(async () => {
  asked = 0
  said = Promise.withResolvers()
  server = await startMcpComposition({ tools: [gatedTool, echoTool] })
})
afterEach(() => {
  vi.restoreAllMocks()
  return server.close()
})

interface Event {
  readonly id: string | null
  readonly retry: string | null
  readonly data: string
}

/** A response read event by event. */
class Events {
  readonly seen: Event[] = []
  isEnded = false
  readonly #stop: AbortController

  constructor(response: Response, stop: AbortController) {
    this.#stop = stop
    void this.#read(response)
  }

  get lastId(): string {
    return this.seen.findLast(({ id }) => id !== null)?.id ?? ''
  }

  /** Breaks the connection. */
  cut(): void {
    this.#stop.abort()
  }

  async #read(response: Response): Promise<void> {
    let text = ''
    try {
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString('utf8')
        const events = text.split('\n\n')
        text = events.pop() ?? ''
        for (const event of events) {
          const field = (name: string): string | null =>
            event
              .split('\n')
              .find((line) => line.startsWith(`${name}: `))
              ?.slice(name.length + 2) ?? null
          if (!event.startsWith(':')) {
            this.seen.push({ id: field('id'), retry: field('retry'), data: field('data') ?? '' })
          }
        }
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    } finally {
      this.isEnded = true
    }
  }
}

async function call(session: string, id: number | string = 1): Promise<Events> {
  const stop = new AbortController()
  const params = { name: 'gated', arguments: {} }
  const response = await post(
    server.url,
    { jsonrpc: '2.0', id, method: 'tools/call', params },
    { 'mcp-session-id': session, ...version },
    stop.signal,
  )
  const events = new Events(response, stop)
  await until(() => events.seen.length > 0, 'the stream is primed')
  return events
}

/** A call that loses its client. */
async function lostCall(session: string): Promise<Events> {
  const first = await call(session)
  first.cut()
  await until(() => server.surface.inspect().late.running === 1, 'the call has lost its client')
  return first
}

async function listen(session: string, lastEventId?: string, over: object = {}): Promise<Events> {
  const stop = new AbortController()
  const response = await fetch(server.url, {
    signal: stop.signal,
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': session,
      ...version,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...over,
    },
  })
  expect(response.status).toBe(200)
  return new Events(response, stop)
}

const version = { 'mcp-protocol-version': '2025-11-25' }
const texts = (events: Events): readonly string[] =>
  events.seen.filter(({ data }) => data !== '').map(({ data }) => data)

/** Answers of the one client here that did not reach it, as it is told. */
function lostAnswers(): number {
  const client = server.surface.inspect().clients[0]?.client ?? null
  const facts = server.late.list(identityOf('local', client))
  return facts.filter(({ state }) => state === 'waiting').length
}

/** A call's connection that nobody reads beyond the first piece: there is room on it for nothing more. */
async function fullConnection(session: string): Promise<{ socket: Socket; lastId: string }> {
  const params = { name: 'gated', arguments: { isLoud: true } }
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\nmcp-session-id: ${session}\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  const [piece] = (await once(socket, 'data')) as [Buffer]
  socket.pause()
  const lastId = /^id: (\S+)$/m.exec(piece.toString('utf8'))?.[1] ?? ''
  said.resolve()
  await until(() => asked === 1, 'all is said')
  return { socket, lastId }
}

const isUnread = (): boolean => server.surface.inspect().streams === 0

describe('a call whose connection broke', () => {
  test('goes on, and its answer goes to whoever comes back with the last event id, once it is there', async () => {
    const { id } = await initialize(server.url)
    const first = await call(id, 'call-1')
    expect(first.seen[0]).toMatchObject({ data: '', retry: '1000' })
    first.cut()
    await until(() => server.surface.inspect().late.running === 1, 'the call has lost its client')
    const second = await listen(id, first.lastId)
    await until(() => server.surface.inspect().late.running === 0, 'its client is back')
    answer('after the break')
    await until(() => second.isEnded, 'the answer came')
    expect(texts(second)).toEqual([expect.stringContaining('after the break')])
    expect(JSON.parse(texts(second)[0] ?? '')).toMatchObject({ id: 'call-1' })
    expect(asked).toBe(1)
  })

  test('keeps an answer that came while nobody read, and tells it as often as it is asked for', async () => {
    const { id } = await initialize(server.url)
    const first = await lostCall(id)
    answer('into the void')
    await until(() => server.calls.inFlight === 0, 'the call is done')
    for (let n = 0; n < 2; n++) {
      const again = await listen(id, first.lastId)
      await until(() => again.isEnded, 'the answer came')
      expect(texts(again)).toEqual([expect.stringContaining('into the void')])
    }
  })

  test('is not told to have lost an answer that it has read since', async () => {
    const { id } = await initialize(server.url)
    const first = await lostCall(id)
    answer('into the void')
    await until(() => lostAnswers() === 1, 'its answer waits')
    const again = await listen(id, first.lastId)
    await until(() => again.isEnded, 'the answer came')
    await until(() => lostAnswers() === 0, 'nobody need ask for it')
  })

  test('the check can fail: a build that does not notice is found out', async () => {
    vi.spyOn(LateAnswers.prototype, 'whenTaken').mockReturnValue(undefined)
    const { id } = await initialize(server.url)
    const first = await lostCall(id)
    answer('into the void')
    await until(() => lostAnswers() === 1, 'its answer waits')
    const again = await listen(id, first.lastId)
    await until(() => again.isEnded, 'the answer came')
    expect(lostAnswers()).toBe(1)
  })

  test.each([
    ['has', 'has come back', 0],
    ['has not', 'has not come back', 1],
  ])('whose connection is found dead only later %s read the answer if it %s', async (has, _what, lost) => {
    const { id } = await initialize(server.url, { capabilities: { elicitation: {} } })
    const { socket, lastId } = await fullConnection(id)
    answer('a few words')
    await until(() => server.calls.inFlight === 0, 'the call is done')
    expect(lostAnswers()).toBe(0)
    if (has === 'has') {
      const again = await listen(id, lastId)
      await until(() => again.isEnded, 'the answer came')
      expect(texts(again).at(-1)).toContain('a few words')
    }
    socket.destroy()
    await until(() => server.listener.inspect().inFlight === 0, 'the first is closed')
    expect(lostAnswers()).toBe(lost)
  })

  test('has nothing more to say to whoever has everything', async () => {
    const { id } = await initialize(server.url)
    const whole = await call(id)
    answer('whole')
    await until(() => whole.isEnded, 'the answer came')
    expect(texts(whole)).toEqual([expect.stringContaining('whole')])
    const again = await listen(id, whole.lastId)
    await until(() => again.isEnded, 'the stream ended')
    expect(texts(again)).toEqual([])
  })

  test('of a server that is gone is answered at once: nobody waits for what will not come', async () => {
    const sessions = { secrets: { newest: () => secret, find: () => secret } }
    const secret = { id: 1, bytes: Buffer.alloc(32, 1) }
    await server.close()
    server = await startMcpComposition({ tools: [gatedTool], sessions })
    const { id } = await initialize(server.url)
    const first = await call(id, 'call-1')
    first.cut()
    await server.close()
    server = await startMcpComposition({ tools: [gatedTool], sessions })
    const second = await listen(id, first.lastId)
    await until(() => second.isEnded, 'an answer came')
    expect(JSON.parse(texts(second)[0] ?? '')).toMatchObject({
      id: 'call-1',
      error: { message: expect.stringMatching(/restarted.*Call again/s) },
    })
  })

  test('tells its answer to no other session, which only gets a stream of its own', async () => {
    const [mine, theirs] = [await initialize(server.url), await initialize(server.url)]
    const first = await call(mine.id)
    first.cut()
    await until(() => server.surface.inspect().late.running === 1, 'the call has lost its client')
    answer('mine alone')
    await until(() => server.calls.inFlight === 0, 'the call is done')
    const foreign = await listen(theirs.id, first.lastId)
    server.surface.replaceTools([echoTool])
    await until(() => texts(foreign).length > 0, 'their own stream lives')
    expect(texts(foreign).join()).toContain('list_changed')
    expect(texts(foreign).join()).not.toContain('mine alone')
    foreign.cut()
  })

  test('that is cancelled keeps nothing', async () => {
    const { id } = await initialize(server.url)
    const first = await call(id, 5)
    const params = { requestId: 5 }
    await post(
      server.url,
      { jsonrpc: '2.0', method: 'notifications/cancelled', params },
      { 'mcp-session-id': id },
    )
    await until(() => first.isEnded, 'the stream ended')
    expect(server.surface.inspect().resumable).toEqual({ logs: 0, bytes: 0 })
  })
})

describe("a session's own stream", () => {
  test('tells what was missed, in order and once, to whoever comes back', async () => {
    const { id } = await initialize(server.url)
    const first = await listen(id)
    await until(() => first.seen.length > 0, 'the stream is primed')
    server.surface.replaceTools([echoTool])
    await until(() => texts(first).length === 1, 'a change was told')
    first.cut()
    await until(isUnread, 'nobody reads')
    server.surface.replaceTools([gatedTool])
    server.surface.replaceTools([echoTool])
    const second = await listen(id, first.lastId)
    await until(() => texts(second).length === 2, 'both missed changes were told')
    server.surface.replaceTools([gatedTool])
    await until(() => texts(second).length === 3, 'and what comes now')
    expect(new Set([...first.seen, ...second.seen].map((event) => event.id)).size).toBe(1 + 1 + 3)
    second.cut()
  })

  test('begins anew for whoever brings no event id, or one that says nothing here', async () => {
    const { id } = await initialize(server.url)
    const first = await listen(id)
    await until(() => first.seen.length > 0, 'the stream is primed')
    const second = await listen(id, 'of-another-server.17')
    await until(() => first.isEnded && second.seen.length > 0, 'the newer took the place of the older')
    server.surface.replaceTools([echoTool])
    await until(() => texts(second).length === 1, 'the newer hears')
    expect(texts(first)).toEqual([])
    second.cut()
  })

  test('of an older revision has no events without data, which its clients take for broken ones', async () => {
    const { id } = await initialize(server.url, { version: '2025-06-18' })
    const stream = await listen(id, undefined, { 'mcp-protocol-version': '2025-06-18' })
    server.surface.replaceTools([echoTool])
    await until(() => stream.seen.length > 0, 'a change was told')
    expect(stream.seen[0]).toMatchObject({ id: null, data: expect.stringContaining('list_changed') })
    stream.cut()
  })
})
