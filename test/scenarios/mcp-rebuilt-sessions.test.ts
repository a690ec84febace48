// A session that is not in memory is rebuilt from its token, and that takes a look into the store. Whatever happens meanwhile, on real
// sockets: the client leaves, its key is revoked, the server begins to drain. The look is held until it has happened.

import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { localPrincipal } from '../../src/domain/ids.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { revokedFailure } from '../../src/principals/callers.ts'
import { identify } from '../../src/principals/identify.ts'
import type { Records } from '../../src/store/records.ts'
import { openSqliteRecords } from '../../src/store/sqlite-records.ts'
import { sessionMigrations } from '../../src/surfaces/mcp/legacy/session-records.ts'
import { SessionTokens } from '../../src/surfaces/mcp/legacy/session-tokens.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { type McpComposition, startMcpComposition, until } from '../support/mcp-composition.ts'

const secret = { id: 1, bytes: randomBytes(32) }
const secrets = { newest: () => secret, find: () => (isForgotten ? null : secret) }
const lifeMs = 3_600_000
const tokens = new SessionTokens({ clock: systemClock, secrets, lifeMs, keyOf: () => null })

let server: McpComposition
let kept: Records
let looks: (() => void)[]
let ran: number
let isRevoked: boolean
let isForgotten: boolean
let sockets: Socket[]

const countTool = defineTool({
  name: 'count',
  title: 'Count',
  description: 'Counts that it was called.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'instant',
  run: async () => {
    ran += 1
    return { content: [] }
  },
})

beforeEach(async () => {
  looks = []
  ran = 0
  isRevoked = false
  isForgotten = false
  sockets = []
  kept = await openSqliteRecords({ path: ':memory:', migrations: sessionMigrations })
  const records: Records = {
    write: (commands) => kept.write(commands),
    read: async (command, reader) => {
      await new Promise<void>((resolve) => looks.push(resolve))
      return kept.read(command, reader)
    },
    warm: () => kept.warm(),
    close: () => kept.close(),
  }
  server = await startMcpComposition({
    tools: [countTool],
    sessions: { secrets, records, lifeMs },
    limits: { sessionIdleMs: 50 },
    identify(facts) {
      if (isRevoked) throw revokedFailure()
      return identify(facts)
    },
  })
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await server.close()
  await kept.close()
  expect(server.events.filter(({ type }) => type === 'surface-failed')).toEqual([])
})

const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count","arguments":{}}}'

function mint(version = '2025-11-25'): string {
  return tokens.mint({ version, capabilities: {}, programName: 'by-hand' }, localPrincipal, undefined).token
}

/** Sends a request of a session that is not in memory, and waits until the store is asked for it. */
async function ask(
  method: string,
  token: string,
  body = '',
): Promise<{ got(): string; leave(): Promise<void> }> {
  const before = looks.length
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  let got = ''
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    got += String(data)
  })
  const accept = method === 'GET' ? 'text/event-stream' : 'application/json, text/event-stream'
  socket.write(
    `${method} /mcp HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAccept: ${accept}\r\nContent-Type: application/json\r\nMcp-Session-Id: ${token}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await until(() => looks.length > before, 'the session is looked up')
  return {
    got: () => got,
    async leave() {
      const { connections } = server.listener.inspect()
      socket.resetAndDestroy()
      await until(() => server.listener.inspect().connections < connections, 'the server has seen it leave')
    },
  }
}

function look(): void {
  for (const go of looks.splice(0)) go()
}

async function nobodyIsThere(): Promise<void> {
  await until(() => server.events.some(({ type }) => type === 'session-resumed'), 'it was rebuilt')
  await until(() => server.surface.inspect().sessions === 0, 'nobody uses it')
  expect(server.surface.inspect()).toMatchObject({
    streams: 0,
    callsInFlight: 0,
    late: { running: 0, results: 0 },
  })
}

test('a listener that leaves before its session is rebuilt holds nothing', async () => {
  for (const version of ['2025-11-25', '2025-06-18']) {
    const listener = await ask('GET', mint(version))
    await listener.leave()
    look()
    await nobodyIsThere()
    server.events.length = 0
  }
})

test('a call whose client leaves before its session is rebuilt never begins, in a list either', async () => {
  for (const [version, body] of [
    ['2025-11-25', call],
    ['2025-03-26', `[${call}]`],
  ] as const) {
    const caller = await ask('POST', mint(version), body)
    await caller.leave()
    look()
    await nobodyIsThere()
    expect(ran).toBe(0)
    server.events.length = 0
  }
})

test('a client that stays is served', async () => {
  const token = mint()
  const listener = await ask('GET', token)
  look()
  const caller = await ask('POST', mint(), call)
  look()
  await until(() => caller.got().includes('"result"'), 'the call is answered')
  await until(() => listener.got().includes(' 200 OK'), 'the stream is open')
  expect(ran).toBe(1)
  expect(server.surface.inspect()).toMatchObject({ streams: 1 })
  await listener.leave()
  await nobodyIsThere()
})

test('a session is ended though its client did not wait for it', async () => {
  const token = mint()
  const leaver = await ask('DELETE', token)
  await leaver.leave()
  look()
  await until(
    () => server.events.some((event) => event.type === 'session-closed' && event.reason === 'deleted'),
    'it is ended',
  )
  const again = await ask('POST', token, call)
  look()
  await until(() => again.got().includes('Session not found'), 'nobody knows it')
  expect(again.got()).toMatch(/^HTTP\/1\.1 404 /)
})

test('a key that is revoked meanwhile is answered 401, and nothing is rebuilt', async () => {
  const caller = await ask('POST', mint(), call)
  isRevoked = true
  look()
  await until(() => caller.got().includes('revoked'), 'it is told')
  expect(caller.got()).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer/)
  expect(server.surface.inspect()).toMatchObject({ sessions: 0, streams: 0 })
  expect(ran).toBe(0)
})

test('a session whose secret is forgotten meanwhile is unknown, and nothing is rebuilt', async () => {
  const caller = await ask('POST', mint(), call)
  isForgotten = true
  look()
  await until(() => caller.got().includes('Session not found'), 'it is told')
  expect(caller.got()).toMatch(/^HTTP\/1\.1 404 /)
  expect(server.surface.inspect()).toMatchObject({ sessions: 0, streams: 0 })
  expect(ran).toBe(0)
})

test('a listener of a server that drains meanwhile is sent elsewhere', async () => {
  const listener = await ask('GET', mint())
  const drained = server.surface.drain()
  look()
  await until(() => listener.got().includes('restarting'), 'it is told')
  expect(listener.got()).toMatch(/^HTTP\/1\.1 503 /)
  expect(server.surface.inspect().streams).toBe(0)
  await drained
})
