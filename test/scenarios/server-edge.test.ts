// Each attack on the edge over real sockets, beside a bystander whose every answer is right and who is served to the end of it. Each
// is shed with the status that HTTP has for it and counted by its reason; where its bound is taken away it is not.

import { Agent, type ClientRequest, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/tool.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { echoTool, until } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'
import { admitPerson } from '../support/people.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'
import { openTalker } from '../support/talker.ts'

const calls = 'requestsPerMinute: 1000000, burst: 1000000, concurrency: 10000'
const yaml = (edge: string, requestsMax = 8): string => `
limits:
  client: { ${calls} }
  principal: { ${calls} }
  edge: { headMs: 2500, bodyMs: 2500, requestsPerConnectionMax: ${requestsMax}, ${edge} }
`

/** Waits until it is let go. */
function holdTool(): { readonly tool: Tool; readonly started: () => number; letGo(): void } {
  const waiting: (() => void)[] = []
  let started = 0
  const tool = defineTool({
    name: 'hold',
    title: 'Hold',
    description: 'Answers when it is let go.',
    input: z.strictObject({ text: z.string() }),
    annotations: { readOnlyHint: true },
    pace: 'instant',
    run: async ({ text }, { signal }) => {
      started += 1
      await new Promise<void>((resolve, reject) => {
        waiting.push(resolve)
        signal.addEventListener('abort', () => reject(signal.reason))
      })
      return { content: [{ type: 'text', text }] }
    },
  })
  return {
    tool,
    started: () => started,
    letGo: () => {
      for (const go of waiting.splice(0)) go()
    },
  }
}

/** Somebody on a bare socket. */
class Stranger {
  readonly socket: Socket
  readonly closed: Promise<void>
  got = ''
  isClosed = false

  constructor(server: ServerFixture) {
    this.socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => undefined)
    this.socket.on('data', (data) => {
      this.got += data.toString('latin1')
    })
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.isClosed = true
        resolve()
      })
    })
  }

  get statuses(): readonly number[] {
    return [...this.got.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status))
  }

  /** Sends a little, over and over, until the server ends it. */
  async trickle(part: string, everyMs: number): Promise<void> {
    while (!this.isClosed) {
      if (this.socket.writable) this.socket.write(part)
      await Promise.race([this.closed, new Promise((resolve) => setTimeout(resolve, everyMs))])
    }
  }
}

const post = (path: string, body: string, length = Buffer.byteLength(body), more = ''): string =>
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${more}content-length: ${length}\r\n\r\n${body}`

function callText(tool: string, text: string, id = 1, key?: string): string {
  const params = { name: tool, arguments: { text }, _meta: modernMeta }
  const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
  const key_ = key === undefined ? '' : `authorization: Bearer ${key}\r\n`
  const headers = `mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: ${tool}\r\naccept: application/json, text/event-stream\r\n`
  return post('/mcp', body, Buffer.byteLength(body), headers + key_)
}

/** Calls, one after another, on both doors, until `attack` is over; every answer has to be its own. */
async function besideBystanders(
  server: ServerFixture,
  attack: Promise<unknown>,
  key?: string,
): Promise<void> {
  let isOver = false
  const over = attack.finally(() => {
    isOver = true
  })
  const facts = key === undefined ? {} : { key }
  const bystander = async (door: 'modern' | 'websocket'): Promise<void> => {
    const window = await server.window(door, `bystander-${door}`, facts)
    for (let n = 0; !isOver || n < 3; n++) {
      const text = `${door} ${n}`
      expect(await window.ask('echo', { text })).toMatchObject({ status: 200, isError: false, text })
    }
  }
  await Promise.all([over, bystander('modern'), bystander('websocket')])
}

const shed = (server: ServerFixture): Readonly<Record<string, number>> =>
  (server.server.inspect() as { http: { shed: Record<string, number> } }).http.shed

interface Attack {
  readonly name: string
  readonly reason: string
  /** What the attacker is told; none where there are no words for it. */
  readonly statuses: readonly number[]
  run(stranger: Stranger): Promise<unknown> | undefined
}

const large = callText('echo', 'x'.repeat(3_000_000))

const attacks: readonly Attack[] = [
  {
    name: 'a connection that never says anything',
    reason: 'head-late',
    statuses: [408],
    run: () => undefined,
  },
  {
    name: 'a head that comes byte by byte',
    reason: 'head-late',
    statuses: [408],
    run(stranger) {
      stranger.socket.write('POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ')
      return stranger.trickle('x', 50)
    },
  },
  {
    name: 'a body that comes byte by byte',
    reason: 'body-late',
    statuses: [408],
    run(stranger) {
      stranger.socket.write(post('/mcp', '{', 100_000))
      return stranger.trickle(' ', 50)
    },
  },
  {
    name: 'an upload that comes byte by byte',
    reason: 'body-late',
    statuses: [408],
    run(stranger) {
      stranger.socket.write(post('/files?name=a.txt', 'x', 100_000))
      return stranger.trickle('x', 50)
    },
  },
  {
    name: 'an endless body for a path that is not there',
    reason: 'body-late',
    statuses: [404],
    run(stranger) {
      stranger.socket.write(post('/nowhere', 'x', 1_000_000_000))
      return stranger.trickle('x'.repeat(1_000), 20)
    },
  },
  {
    name: 'an endless head',
    reason: 'head-large',
    statuses: [431],
    run(stranger) {
      stranger.socket.write('GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n')
      return stranger.trickle(`x: ${'y'.repeat(1_000)}\r\n`, 1)
    },
  },
  {
    name: 'a head of a thousand fields',
    reason: 'head-large',
    statuses: [431],
    run(stranger) {
      const fields = Array.from({ length: 1_000 }, (_, n) => `x${n}:\r\n`)
      stranger.socket.write(`GET /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${fields.join('')}\r\n`)
      return undefined
    },
  },
  {
    name: 'what is no HTTP',
    reason: 'not-http',
    statuses: [400],
    run(stranger) {
      stranger.socket.write('\u0016\u0003\u0001 hello\r\n\r\n')
      return undefined
    },
  },
]

describe('shed, beside bystanders that notice nothing', () => {
  test(attacks.map(({ name }) => name).join('; '), async () => {
    await withServer({ yaml: yaml(''), extraTools: [echoTool] }, async (server) => {
      const sent = attacks.map((attack) => ({
        ...attack,
        strangers: Array.from({ length: 5 }, () => new Stranger(server)),
      }))
      const all = sent.flatMap(({ run, strangers }) =>
        strangers.map(async (each) => [await run(each), await each.closed]),
      )
      await besideBystanders(server, Promise.all(all))
      const expected: Record<string, number> = {}
      for (const { name, reason, statuses, strangers } of sent) {
        for (const stranger of strangers) expect(stranger.statuses, name).toEqual(statuses)
        expected[reason] = (expected[reason] ?? 0) + strangers.length
      }
      expect(shed(server)).toEqual(expected)
    })
  })

  test('answers that nobody takes', async () => {
    await withServer({ yaml: yaml('untakenMs: 1000'), extraTools: [echoTool] }, async (server) => {
      const strangers = Array.from({ length: 5 }, () => new Stranger(server))
      for (const { socket } of strangers) {
        socket.pause()
        for (let n = 0; n < 8; n++) socket.write(large)
      }
      const attack = until(() => shed(server).untaken === 5, 'all five are given up')
      await besideBystanders(server, attack)
      for (const { socket } of strangers) socket.destroy()
    })
  })
})

describe('pipelining', () => {
  /** The statuses of what is answered to a hundred requests sent at once. */
  const statusesOf = async (requestsMax: number): Promise<readonly number[]> => {
    const requests = 100
    const [begun, answers] = requestsMax < requests ? [requestsMax, requestsMax + 1] : [requests, requests]
    let statuses: readonly number[] = []
    const hold = holdTool()
    const options = { yaml: yaml('', requestsMax), extraTools: [echoTool, hold.tool] }
    await withServer(options, async (server) => {
      const stranger = new Stranger(server)
      const texts = Array.from({ length: requests }, (_, n) => callText('hold', `mark ${n};`, n + 1))
      stranger.socket.write(texts.join(''))
      await until(() => hold.started() === begun, 'what may begin has begun')
      await besideBystanders(server, Promise.resolve())
      hold.letGo()
      await until(() => stranger.statuses.length === answers, 'it is answered')
      if (answers > begun) await stranger.closed
      stranger.socket.destroy()
      const marks = [...stranger.got.matchAll(/mark (\d+);/g)].map(([, mark]) => Number(mark))
      expect(marks).toEqual(Array.from({ length: begun }, (_, n) => n))
      expect(shed(server)).toEqual(answers > begun ? { crowded: 1 } : {})
      statuses = stranger.statuses
    })
    return statuses
  }

  test('beyond the bound ends the connection, and what came before is answered, in order', async () => {
    expect(await statusesOf(8)).toEqual([...Array(8).fill(200), 503])
  })

  test('without the bound all of it runs at once', async () => {
    expect(await statusesOf(1_000)).toEqual(Array(100).fill(200))
  })
})

test('one WebSocket has so many calls under way and no more; it is heard on, and the refused are told', async () => {
  const hold = holdTool()
  await withServer({ yaml: yaml(''), extraTools: [echoTool, hold.tool] }, async (server) => {
    const window = await server.window('websocket', 'busy')
    const under = Array.from({ length: 200 }, (_, n) => window.call('hold', { text: `call ${n}` }))
    const refused = await Promise.all(under.slice(8).map(({ answer }) => answer))
    expect(hold.started()).toBe(8)
    for (const answer of refused) {
      expect(answer).toMatchObject({ isError: true, text: expect.stringMatching(/8 requests under way/) })
    }
    expect(shed(server)).toEqual({ crowded: 192 })
    await under[0]?.cancel()
    await until(() => server.inspect().calls.inFlight === 7, 'the cancellation was heard')
    const attack = Promise.resolve().then(() => hold.letGo())
    await besideBystanders(server, attack)
    const answers = await Promise.all(under.slice(1, 8).map(({ answer }) => answer))
    expect(answers.map((answer) => answer?.text)).toEqual(
      Array.from({ length: 7 }, (_, n) => `call ${n + 1}`),
    )
  })
})

interface Guest {
  readonly isIn: boolean
  leave(): void
}

/** What a 2025-era window does when it starts: its session, then its stream and three lists at once, on connections that it keeps. */
class StartingWindow {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #port: number
  readonly #name: string
  readonly #streams: ClientRequest[] = []
  #session: Readonly<Record<string, string>> = {}
  /** Whatever was not answered as it should be. */
  readonly refused: string[] = []

  constructor(port: number, name: string) {
    this.#port = port
    this.#name = name
  }

  async start(): Promise<void> {
    const clientInfo = { name: 'claude-code', version: '2' }
    await this.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
    const lists = ['tools/list', 'resources/list', 'prompts/list'].map((method) => this.ask(method))
    await Promise.all([...lists, this.#send('GET', '')])
  }

  // A kept connection may be closed just when it is used again: as every client does, it is tried once more.
  async ask(method: string, params: object = {}): Promise<void> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    await this.#send('POST', body).catch(() => this.#send('POST', body))
  }

  close(): void {
    for (const stream of this.#streams) stream.destroy()
    this.#agent.destroy()
  }

  #send(method: string, body: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers = {
        accept: method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream',
        'content-type': 'application/json',
        'x-exai-client': this.#name,
        ...this.#session,
      }
      const options = {
        port: this.#port,
        host: '127.0.0.1',
        path: '/mcp',
        agent: this.#agent,
        method,
        headers,
      }
      const sent = request(options, (response) => {
        const session = response.headers['mcp-session-id']
        if (typeof session === 'string') this.#session = { 'mcp-session-id': session }
        if (response.statusCode !== 200) this.refused.push(`${method} ${body}: ${response.statusCode}`)
        response.on('error', () => undefined).resume()
        if (method === 'POST') response.on('end', resolve)
        else {
          this.#streams.push(sent)
          resolve()
        }
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}

type Come = (server: ServerFixture, name: string, key: string) => Promise<Guest>

/** Ways to take a place for long. */
const doors: readonly (readonly [string, Come])[] = [
  [
    'WebSockets',
    (server, name, key) =>
      new Promise((resolve) => {
        const headers = { 'x-exai-client': name, authorization: `Bearer ${key}` }
        const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'mcp', { headers })
        const told = (isIn: boolean): void => resolve({ isIn, leave: () => socket.terminate() })
        socket.on('open', () => socket.send('{"jsonrpc":"2.0","id":1,"method":"ping"}'))
        socket.on('message', () => told(true))
        socket.on('close', () => told(false))
        socket.on('error', () => told(false))
      }),
  ],
  [
    'sessions with their streams',
    async (server, name, key) => {
      const talker = await openTalker('legacy', { url: server.url, name, key })
      if (talker.session !== null) await talker.listen({})
      return { isIn: talker.session !== null, leave: () => talker.close() }
    },
  ],
  [
    'subscriptions',
    async (server, name, key) => {
      const stranger = new Stranger(server)
      const params = { notifications: { toolsListChanged: true }, _meta: modernMeta }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params })
      const headers = `mcp-protocol-version: 2026-07-28\r\nmcp-method: subscriptions/listen\r\naccept: application/json, text/event-stream\r\nx-exai-client: ${name}\r\nauthorization: Bearer ${key}\r\n`
      stranger.socket.write(post('/mcp', body, Buffer.byteLength(body), headers))
      await until(() => stranger.statuses.length > 0, 'it is answered')
      return { isIn: stranger.statuses[0] === 200, leave: () => stranger.socket.destroy() }
    },
  ],
]

describe('places', () => {
  test('a thousand windows of one address are served, all at once', async () => {
    await withServer(
      { yaml: `limits: { client: { ${calls} }, principal: { ${calls} } }`, extraTools: [echoTool] },
      async (server) => {
        const windows = Array.from({ length: 1_000 }, () => new Stranger(server))
        windows.forEach(({ socket }, n) => {
          socket.write(callText('echo', `window ${n};`, n + 1))
        })
        await vi.waitFor(
          () => expect(windows.filter(({ statuses }) => statuses.length === 0)).toHaveLength(0),
          60_000,
        )
        for (const [n, { got, statuses }] of windows.entries()) {
          expect(statuses).toEqual([200])
          expect([...got.matchAll(/window \d+;/g)].map(([text]) => text)).toEqual([`window ${n};`])
        }
        expect(shed(server)).toEqual({})
        expect(server.server.inspect()).toMatchObject({ http: { connections: 1_000, unidentified: 0 } })
        for (const { socket } of windows) socket.destroy()
      },
    )
  })

  test('a thousand windows that start together each open what a window opens: by default there is room', async () => {
    await withServer({}, async (server) => {
      const windows = Array.from({ length: 1_000 }, (_, n) => new StartingWindow(server.port, `window-${n}`))
      await Promise.all(windows.map((window) => window.start()))
      expect(windows.flatMap(({ refused }) => refused)).toEqual([])
      // More than fit were wanted: those that only rested have made room, and every stream is open still.
      expect(shed(server)).toEqual({ rested: expect.any(Number) })
      expect(server.server.inspect()).toMatchObject({ mcp: { sessions: 1_000, streams: 1_000 } })
      const { connections } = server.server.inspect().http as { connections: number }
      // The last one goes a turn later.
      expect(connections).toBeLessThanOrEqual(3_001)
      for (const window of windows) await window.ask('ping')
      expect(windows.flatMap(({ refused }) => refused)).toEqual([])
      expect(server.server.inspect()).toMatchObject({ mcp: { streams: 1_000 } })
      for (const window of windows) window.close()
    })
  })

  test('a crowd that never says who it is loses its oldest, and newcomers get in', async () => {
    await withServer(
      { yaml: yaml('unidentifiedPerAddressMax: 30'), extraTools: [echoTool] },
      async (server) => {
        const crowd = Array.from({ length: 200 }, () => new Stranger(server))
        const attack = Promise.all(crowd.map(({ closed }) => closed))
        await besideBystanders(server, attack)
        const silently = crowd.filter(({ got }) => got === '').length
        expect(shed(server)['gave-way']).toBe(silently)
        expect(silently).toBeGreaterThanOrEqual(170)
        expect(shed(server)['head-late']).toBe(200 - silently)
      },
    )
  })

  test('one key fills its own places and nobody else’s; its own windows are told, on both doors', async () => {
    const keys: Record<string, string> = {}
    const prepare = async (dataDir: string): Promise<void> => {
      for (const name of ['anna', 'bert']) keys[name] = await admitPerson(join(dataDir), name)
    }
    const hold = holdTool()
    const options = {
      yaml: yaml('connectionsPerPrincipalMax: 5'),
      extraTools: [echoTool, hold.tool],
      prepare,
    }
    await withServer(options, async (server) => {
      const annas = Array.from({ length: 9 }, () => new Stranger(server))
      for (const { socket } of annas) socket.write(callText('hold', 'hello', 1, keys.anna))
      const statuses = (): readonly number[] => annas.flatMap((each) => each.statuses)
      const attack = until(() => hold.started() === 5 && statuses().length === 4, 'her places are taken')
      await besideBystanders(server, attack, keys.bert)
      expect(statuses()).toEqual([503, 503, 503, 503])
      const told = annas.find((each) => each.statuses[0] === 503)
      expect(told?.got).toMatch(/has its 5 connections open/)
      expect(shed(server)).toEqual({ 'principal-full': 4 })
      await expect(server.window('websocket', 'anna', { key: keys.anna as string })).rejects.toThrow(/503/)
      // What only rests makes room.
      hold.letGo()
      await until(() => statuses().length === 9, 'each has its answer')
      await server.window('websocket', 'anna', { key: keys.anna as string })
      await until(() => annas.filter(({ isClosed }) => isClosed).length === 5, 'one of those that rest goes')
      expect(shed(server)).toEqual({ 'principal-full': 5, rested: 1 })
      for (const { socket } of annas) socket.destroy()
      await nothingInProgress(() => ({ connections: annas.filter(({ isClosed }) => !isClosed).length }))
    })
  })

  test.each(doors)('one key leaves places to the others without being told to: %s', async (_name, come) => {
    const keys: Record<string, string> = {}
    const prepare = async (dataDir: string): Promise<void> => {
      for (const name of ['anna', 'bert']) keys[name] = await admitPerson(join(dataDir), name)
    }
    await withServer(
      { yaml: `limits: { maxClients: 8, principal: { ${calls} } }`, prepare },
      async (server) => {
        const guests = Array.from({ length: 20 }, (_, n) =>
          come(server, `window-of-anna-${n}`, keys.anna ?? ''),
        )
        const annas = await Promise.all(guests)
        // Whoever comes after a crowd that has filled its own places.
        guests.push(come(server, 'window-of-bert', keys.bert ?? ''))
        const bert = await guests.at(-1)
        for (const { leave } of await Promise.all(guests)) leave()
        expect(annas.filter(({ isIn }) => isIn).length).toBeGreaterThanOrEqual(12)
        expect(bert?.isIn).toBe(true)
      },
    )
  })
})

test('an honest upload over a slow line takes longer than any message may, and arrives whole', async () => {
  await withServer({ yaml: yaml(''), extraTools: [echoTool] }, async (server) => {
    const stranger = new Stranger(server)
    const parts = 40
    stranger.socket.write(post('/files?name=slow.txt', '', parts * 4_000))
    const startedAt = performance.now()
    for (let n = 0; n < parts; n++) {
      stranger.socket.write('x'.repeat(4_000))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await until(() => stranger.statuses.length === 1, 'it is answered')
    expect(performance.now() - startedAt).toBeGreaterThan(2_500)
    expect(stranger.statuses).toEqual([201])
    expect(stranger.got).toContain(`"bytes":${parts * 4_000}`)
    expect(shed(server)).toEqual({})
    stranger.socket.destroy()
  })
})
