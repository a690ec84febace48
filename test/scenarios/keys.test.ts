// Keys on real sockets: who may call and who may not, at every door; what is one person's is nobody else's; a revoked key is dead
// within a second, with everything it opened.

import { request as openRequest } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { mintKey } from '../../src/principals/api-key.ts'
import { admitPerson, expelPerson } from '../support/people.ts'
import { type FixtureOptions, type ServerFixture, withServer } from '../support/server-fixture.ts'
import { windowDoors } from '../support/window-call.ts'

// That a revoked key is forgotten within a second is told by principals/key-ring, in virtual time; a busy machine may take longer.
const slowly = 20_000

type Keys = Record<string, string>

/** A server with keys for people, by name. */
async function withPeople(
  people: Readonly<Record<string, Parameters<typeof admitPerson>[2]>>,
  options: FixtureOptions,
  run: (server: ServerFixture, keys: Keys) => Promise<void>,
): Promise<void> {
  const keys: Keys = {}
  const prepare = async (dataDir: string): Promise<void> => {
    for (const [name, over] of Object.entries(people)) keys[name] = await admitPerson(dataDir, name, over)
  }
  await withServer({ ...options, prepare }, (server) => run(server, keys))
}

interface Refused {
  readonly status: number
  readonly challenge: string | undefined
  readonly text: string
}

/** One request, or one upgrade that is refused, with its challenge. */
function ask(
  server: ServerFixture,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Refused> {
  return new Promise((resolve, reject) => {
    const request = openRequest(`${server.url}${path}`, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, challenge: response.headers['www-authenticate'], text }),
      )
    })
    request.on('error', reject)
    request.end(method === 'POST' ? '{"jsonrpc":"2.0","id":1,"method":"ping"}' : undefined)
  })
}

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol': 'mcp',
}

const doors: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ['POST', '/mcp', { 'content-type': 'application/json' }],
  ['GET', '/mcp', { accept: 'text/event-stream' }],
  ['DELETE', '/mcp', {}],
  ['GET', '/files', {}],
  ['POST', '/files', {}],
  ['GET', '/api/inspect', {}],
  ['GET', '/ws', upgrade],
  ['GET', '/', upgrade],
]

describe('without a good key', () => {
  test('every door answers 401 with a challenge and a sentence, whatever is wrong', async () => {
    await withPeople({ anna: {}, gone: {} }, {}, async (server, keys) => {
      await expelPerson(join(server.home, 'data'), 'gone')
      await vi.waitFor(async () => {
        const gone = await ask(server, 'GET', '/files', { authorization: `Bearer ${keys.gone}` })
        expect(gone.text).toContain('revoked')
      }, slowly)
      const wrong: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
        [{}, /needs a key: send it as/],
        [{ authorization: 'Bearer' }, /holds no key of this server/],
        [{ authorization: `Basic ${keys.anna}` }, /holds no key of this server/],
        [{ authorization: `Bearer ${keys.anna?.slice(0, -1)}` }, /holds no key of this server/],
        [{ authorization: `Bearer ${'x'.repeat(8_000)}` }, /holds no key of this server/],
        [{ authorization: `Bearer ${mintKey().key}` }, /does not know the key/],
        [{ authorization: `Bearer ${keys.gone}` }, /has been revoked/],
      ]
      for (const [method, path, headers] of doors) {
        for (const [authorization, sentence] of wrong) {
          const answer = await ask(server, method, path, { ...headers, ...authorization })
          expect(answer, `${method} ${path}`).toMatchObject({
            status: 401,
            challenge: 'Bearer',
            text: expect.stringMatching(sentence),
          })
        }
      }
      expect((await ask(server, 'GET', '/healthz', {})).status).toBe(200)
      expect((await ask(server, 'GET', '/readyz', {})).status).toBe(200)
      const told = server.log() + JSON.stringify(server.server.inspect())
      for (const key of Object.values(keys)) expect(told).not.toContain(key.slice(5, 20))
    })
  })

  test('a file of revoked keys alone opens nothing, and auth.loopback: open opens this computer', async () => {
    await withPeople({ anna: { revokedAt: '2026-11-22T01:00:00Z' } }, {}, async (server) => {
      expect((await ask(server, 'GET', '/files', {})).status).toBe(401)
    })
    await withPeople({ anna: {} }, { yaml: 'auth: { loopback: open }' }, async (server, keys) => {
      expect((await ask(server, 'GET', '/files', {})).status).toBe(200)
      expect((await ask(server, 'GET', '/files', { 'x-forwarded-for': '127.0.0.1' })).status).toBe(401)
      expect((await ask(server, 'GET', '/files', { authorization: `Bearer ${mintKey().key}` })).status).toBe(
        401,
      )
      const window = await server.window('legacy', 'window-anna-1', { key: keys.anna ?? '' })
      await window.ask('status', {})
      expect(server.inspect().clients.map(({ principal }) => principal)).toContain('anna')
    })
  })

  test('a proxied caller is never of this computer, whoever it says it is', async () => {
    const forged = [
      { 'x-forwarded-for': '127.0.0.1' },
      { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' },
      { forwarded: 'for=127.0.0.1' },
      { 'x-real-ip': '::1' },
    ]
    await withServer({}, async (server) => {
      expect((await ask(server, 'GET', '/files', {})).status).toBe(200)
      for (const headers of forged) {
        expect(await ask(server, 'GET', '/files', headers)).toMatchObject({
          status: 401,
          text: expect.stringContaining('from other computers, or through a proxy, need a key'),
        })
      }
    })
    await withServer({ yaml: 'trustedProxies: [127.0.0.1]' }, async (server) => {
      expect((await ask(server, 'GET', '/files', {})).status).toBe(401)
    })
  })
})

describe('two people', () => {
  test('with equal client ids share nothing: threads, files and sessions of one are unknown to the other', async () => {
    await withPeople({ anna: {}, bert: {} }, {}, async (server, keys) => {
      for (const door of windowDoors) {
        const name = `window-same-${door}`
        const [anna, bert] = await Promise.all([
          server.window(door, name, { key: keys.anna ?? '', isAnonymous: false }),
          server.window(door, name, { key: keys.bert ?? '', isAnonymous: false }),
        ])
        const first = await anna.ask('chat', { prompt: 'Remember the word QUITTE.' })
        const id = /continuation_id[^A-Za-z0-9_-]+([A-Za-z0-9_-]+)/.exec(first.text)?.[1] ?? ''
        expect(id).not.toBe('')
        expect(await anna.ask('chat', { prompt: 'Go on.', continuation_id: id })).toMatchObject({
          isError: false,
        })
        const stolen = await bert.ask('chat', { prompt: 'Go on.', continuation_id: id })
        expect(stolen).toMatchObject({ isError: true })
        expect(stolen.text).not.toContain('QUITTE')
      }
      const bearer = (name: string) => ({ headers: { authorization: `Bearer ${keys[name]}` } })
      const kept = await server.plain('POST', '/files?name=notes.md', {
        ...bearer('anna'),
        body: '# Notes\n\nQUITTE.',
      })
      const { file } = JSON.parse(kept.text) as { file: string }
      expect((await server.plain('GET', '/files', bearer('bert'))).text).not.toContain(file)
      expect((await server.plain('DELETE', `/files/${file}`, bearer('bert'))).status).toBe(404)
      const thief = await server.window('modern', 'window-thief', { key: keys.bert ?? '' })
      expect(await thief.ask('summarize', { file })).toMatchObject({ isError: true })
      expect((await server.plain('DELETE', `/files/${file}`, bearer('anna'))).status).toBe(204)
      const opened = await initialize(server, keys.anna ?? '')
      const ping = (key: string | undefined) =>
        server.plain('POST', '/mcp', {
          headers: {
            authorization: `Bearer ${key}`,
            'content-type': 'application/json',
            accept: 'application/json, text/event-stream',
            'mcp-session-id': opened,
          },
          body: '{"jsonrpc":"2.0","id":2,"method":"ping"}',
        })
      expect((await ping(keys.anna)).status).toBe(200)
      expect((await ping(keys.bert)).status).toBe(404)
    })
  })

  test('get their shares by weight, and their own limits and those of their team', async () => {
    const yaml = `
providers: { glm: { concurrency: 1 } }
limits: { client: { requestsPerMinute: 600, burst: 100, concurrency: 32 } }
teams: { blue: { concurrency: 1 } }
cache: { bytesMax: 0 }`
    const people = {
      anna: { weight: 3 },
      bert: {},
      slow: { requestsPerMinute: 5 },
      one: { team: 'blue' },
      two: { team: 'blue' },
      poor: { budgetUsdPerMonth: 0.000_001 },
    }
    const simulator = { glm: { serviceMs: 25, concurrency: 1 } }
    await withPeople(people, { yaml, simulator }, async (server, keys) => {
      const windows = await Promise.all(
        ['anna', 'bert'].map((name) => server.window('modern', `window-${name}`, { key: keys[name] ?? '' })),
      )
      // Shares are counted in what a job is thought to take until it has ended: one has to have ended first.
      for (const window of windows) await window.ask('chat', { prompt: 'Good morning.', model: 'glm-5.2' })
      const order: string[] = []
      const calls = windows.flatMap((window) =>
        Array.from({ length: 16 }, async (_, i) => {
          await window.ask('chat', { prompt: `${window.name} asks ${i}`, model: 'glm-5.2' })
          order.push(window.name)
        }),
      )
      await Promise.all(calls)
      const annas = order.slice(0, 16).filter((name) => name === 'window-anna').length
      expect(annas).toBeGreaterThanOrEqual(11)
      expect(annas).toBeLessThanOrEqual(13)

      const slow = await server.window('modern', 'window-slow', { key: keys.slow ?? '' })
      await slow.ask('status', {})
      expect((await slow.ask('status', {})).meta['exai/refusal']).toMatchObject({
        scope: 'principal',
        limit: 5,
      })

      const poor = await server.window('modern', 'window-poor', { key: keys.poor ?? '' })
      expect(await poor.ask('chat', { prompt: 'Hello.', model: 'glm-5.2' })).toMatchObject({
        isError: true,
        text: expect.stringMatching(/Your key may use 0\.000001 US dollars a month, and this job may take/),
      })

      const [one, two] = await Promise.all(
        ['one', 'two'].map((name) => server.window('modern', `window-${name}`, { key: keys[name] ?? '' })),
      )
      server.simulator.control({ glm: { gate: 'closed' } })
      const held = one?.call('chat', { prompt: 'Hold the place.', model: 'glm-5.2' })
      await vi.waitFor(() => expect(server.inspect().calls.inFlight).toBe(1), slowly)
      expect((await two?.ask('status', {}))?.meta['exai/refusal']).toMatchObject({ scope: 'team', limit: 1 })
      server.simulator.control({ glm: { gate: 'open' } })
      await held?.answer
    })
  })
})

describe('a revoked key', () => {
  test('is dead: its connections close, its calls stop, and nobody else notices', async () => {
    const yaml = 'providers: { glm: { concurrency: 8 } }'
    await withPeople(
      { anna: {}, bert: {} },
      { yaml, simulator: { glm: { concurrency: 8 } } },
      async (server, keys) => {
        const windows = await Promise.all(
          windowDoors.map((door) =>
            server.window(door, `window-${door}`, { key: keys.anna ?? '', isAnonymous: false }),
          ),
        )
        const other = await server.window('websocket', 'window-other', { key: keys.bert ?? '' })
        const opened = await initialize(server, keys.anna ?? '')
        server.simulator.control({ glm: { gate: 'closed' } })
        const doomed = windows.map((window) =>
          window.call('chat', { prompt: `Wait, ${window.name}.`, model: 'glm-5.2' }),
        )
        const spared = other.call('chat', { prompt: 'Wait for me.', model: 'glm-5.2' })
        await vi.waitFor(() => expect(server.simulator.stats(0).glm.inFlight).toBe(4), slowly)
        await expelPerson(join(server.home, 'data'), 'anna')
        expect(await windows[2]?.closed).toMatchObject({
          code: 1008,
          reason: expect.stringContaining('revoked'),
        })
        await vi.waitFor(() => expect(server.simulator.stats(0).glm.inFlight).toBe(1), slowly)
        for (const { answer } of doomed) {
          expect(await answer).toMatchObject({
            isError: true,
            text: expect.stringContaining('has been revoked'),
          })
        }
        expect(server.inspect().calls.inFlight).toBe(1)
        const again = await ask(server, 'POST', '/mcp', {
          authorization: `Bearer ${keys.anna}`,
          'mcp-session-id': opened,
          'content-type': 'application/json',
        })
        expect(again).toMatchObject({ status: 401, text: expect.stringContaining('has been revoked') })
        server.simulator.control({ glm: { gate: 'open' } })
        expect(await spared.answer).toMatchObject({ isError: false })
      },
    )
  })

  test('the first key turns out whoever came without one', async () => {
    await withServer({}, async (server) => {
      const early = await server.window('websocket', 'window-early')
      const key = await admitPerson(join(server.home, 'data'), 'anna')
      expect(await early.closed).toMatchObject({ code: 1008 })
      expect((await ask(server, 'GET', '/files', {})).status).toBe(401)
      expect((await ask(server, 'GET', '/files', { authorization: `Bearer ${key}` })).status).toBe(200)
    })
  })
})

test('operators alone see what is going on, and nobody sees a key or its digest', async () => {
  await withPeople({ anna: {}, olga: { scope: 'operator' } }, {}, async (server, keys) => {
    const as = (name: string) => ask(server, 'GET', '/api/inspect', { authorization: `Bearer ${keys[name]}` })
    expect(await as('anna')).toMatchObject({ status: 403, text: expect.stringContaining('--operator') })
    const seen = await as('olga')
    expect(seen.status).toBe(200)
    for (const key of Object.values(keys)) expect(seen.text + server.log()).not.toContain(key.slice(5, 20))
    expect(seen.text + server.log()).not.toMatch(/\b[0-9a-f]{64}\b/)
  })
})

test('a WebSocket is opened with a key, and only then', async () => {
  await withPeople({ anna: {} }, {}, async (server, keys) => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'mcp', {
      headers: { authorization: `Bearer ${keys.anna}` },
    })
    await new Promise((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    socket.terminate()
  })
})

async function initialize(server: ServerFixture, key: string): Promise<string> {
  const response = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      connection: 'close',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}',
  })
  await response.text()
  return response.headers.get('mcp-session-id') ?? ''
}
