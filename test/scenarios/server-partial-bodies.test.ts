// Messages that are begun on many connections and not finished, over HTTP and WebSocket: one key fills its own part of the memory for
// them and nobody else's; who is one too many is told so; what was begun may still be finished. Without the bound nobody is told.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { nothingInProgress } from '../support/leftovers.ts'
import { echoTool, until } from '../support/mcp-composition.ts'
import { modernMeta } from '../support/mcp-wire.ts'
import { admitPerson } from '../support/people.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'

const calls = 'requestsPerMinute: 1000000, burst: 1000000, concurrency: 10000'
const yaml = (edge: string): string => `
limits: { bodyBytesMax: 1000000, client: { ${calls} }, principal: { ${calls} }, edge: { ${edge} } }
`
const bound = 'partialBytesMax: 4000000, partialBytesPerPrincipalMax: 3000000'
const begunBytes = 900_000
const many = 8
/** What of it fits into the part of one key; each comes in some dozens of pieces at most. */
const fitting = 3

/** A message begun and not finished. */
interface Begun {
  /** What the server said of it so far: a status or a close code, and words. */
  said(): { readonly code: number; readonly why: string } | null
  /** Sends the rest; resolves with the server's answer. */
  finish(): Promise<string>
  leave(): void
}

type Begin = (server: ServerFixture, key: string) => Promise<Begun>

function message(): string {
  const params = { name: 'echo', arguments: { text: 'x'.repeat(begunBytes) }, _meta: modernMeta }
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
}

async function beginPost(server: ServerFixture, key: string): Promise<Begun> {
  const body = message()
  const socket: Socket = connect({ port: server.port, host: '127.0.0.1' })
  let got = ''
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    got += data.toString('latin1')
  })
  await once(socket, 'connect')
  const headers = `authorization: Bearer ${key}\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\naccept: application/json, text/event-stream\r\ncontent-type: application/json\r\n`
  socket.write(
    `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n${headers}content-length: ${body.length}\r\n\r\n${body.slice(0, begunBytes)}`,
  )
  return {
    said: () => {
      const [, code] = /HTTP\/1\.1 (\d{3})/.exec(got) ?? []
      return code === undefined || !got.endsWith('\n') ? null : { code: Number(code), why: got }
    },
    finish: async () => {
      socket.write(body.slice(begunBytes))
      await until(() => got.endsWith('}') || got.endsWith('\n\n'), 'it is answered')
      return got
    },
    leave: () => socket.destroy(),
  }
}

async function beginFrames(server: ServerFixture, key: string): Promise<Begun> {
  const body = message()
  const headers = { authorization: `Bearer ${key}` }
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'mcp', { headers })
  let closed: { readonly code: number; readonly why: string } | null = null
  socket.on('error', () => undefined)
  socket.on('close', (code, reason) => {
    closed = { code, why: reason.toString() }
  })
  await once(socket, 'open')
  socket.send(body.slice(0, begunBytes), { fin: false })
  return {
    said: () => closed,
    finish: async () => {
      const answer = once(socket, 'message')
      socket.send(body.slice(begunBytes), { fin: true })
      return String((await answer)[0])
    },
    leave: () => socket.terminate(),
  }
}

const httpOf = (server: ServerFixture) =>
  (
    server.server.inspect() as {
      http: { partialBytes: number; connections: number; shed: Record<string, number> }
    }
  ).http

const doors: readonly (readonly [string, number, Begin])[] = [
  ['HTTP', 503, beginPost],
  ['WebSocket', 1013, beginFrames],
]

async function withPeople(
  edge: string,
  run: (server: ServerFixture, anna: string, bert: string) => Promise<void>,
): Promise<void> {
  const keys: string[] = []
  const prepare = async (dataDir: string): Promise<void> => {
    for (const name of ['anna', 'bert']) keys.push(await admitPerson(dataDir, name))
  }
  await withServer({ yaml: yaml(edge), extraTools: [echoTool], prepare }, async (server) => {
    const [anna = '', bert = ''] = keys
    await run(server, anna, bert)
  })
}

test.each(doors)(
  'one key fills its part and nobody else’s, and what was begun is finished: %s',
  async (_door, code, begin) => {
    await withPeople(bound, async (server, anna, bert) => {
      const begun: Begun[] = []
      const refused = (): Begun[] => begun.filter((each) => each.said() !== null)
      while (begun.length < many) {
        const one = await begin(server, anna)
        begun.push(one)
        const held = Math.min(begun.length, fitting) * begunBytes
        await until(
          () => (begun.length > fitting ? one.said() !== null : httpOf(server).partialBytes >= held),
          'it is here, or whoever is too many is told',
        )
      }
      expect(refused()).toHaveLength(many - fitting)
      for (const each of refused()) {
        expect(each.said()).toMatchObject({ code, why: expect.stringMatching(/this key.*3000000 bytes/) })
      }
      expect(httpOf(server).shed).toEqual({ 'bodies-full': many - fitting })
      await until(() => httpOf(server).partialBytes >= fitting * begunBytes, 'the others are here')
      expect(httpOf(server).partialBytes).toBeLessThanOrEqual(3_000_000)

      for (const door of ['modern', 'websocket'] as const) {
        const window = await server.window(door, `window-of-bert-${door}`, { key: bert })
        const text = 'y'.repeat(700_000)
        expect(await window.ask('echo', { text })).toMatchObject({ isError: false, text })
      }

      const [first, second, third] = begun.filter((each) => each.said() === null)
      expect(await first?.finish()).toContain('x'.repeat(begunBytes))
      expect(await second?.finish()).toContain('x'.repeat(begunBytes))
      await until(() => httpOf(server).partialBytes < 1_000_000, 'what is whole counts no more')
      const again = await begin(server, anna)
      await until(() => httpOf(server).partialBytes > 2 * begunBytes, 'there is room again')
      expect(again.said()).toBeNull()
      for (const each of [...begun, again]) each.leave()
      third?.leave()
      await nothingInProgress(() => ({ partialBytes: httpOf(server).partialBytes }))
    })
  },
)

test.each(doors)('without the bound nobody is told, whatever that holds: %s', async (_door, _code, begin) => {
  await withPeople('partialBytesMax: 1000000000', async (server, anna) => {
    const begun = await Promise.all(Array.from({ length: many }, () => begin(server, anna)))
    await until(() => httpOf(server).partialBytes >= many * begunBytes, 'all are here')
    expect(begun.map((each) => each.said())).toEqual(Array(many).fill(null))
    expect(httpOf(server).shed).toEqual({})
    for (const each of begun) each.leave()
    await nothingInProgress(() => ({ partialBytes: httpOf(server).partialBytes }))
  })
})

test('messages one after another, small, large, in pieces and with pings in between, leave nothing counted', async () => {
  await withPeople(bound, async (server, anna) => {
    const headers = { authorization: `Bearer ${anna}` }
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, 'mcp', { headers })
    await once(socket, 'open')
    const call = (id: number, text: string): string => {
      const params = { name: 'echo', arguments: { text }, _meta: modernMeta }
      return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params })
    }
    let answers = 0
    socket.on('message', () => {
      answers += 1
    })
    for (let n = 0; n < 40; n++) {
      const text = call(n, 'z'.repeat([1, 100, 1_000, 70_000, 300_000][n % 5] ?? 0))
      const middle = n % 3 === 0 ? Math.floor(text.length / 2) : 0
      if (middle > 0) {
        socket.send(text.slice(0, middle), { fin: false })
        socket.ping('here')
      }
      socket.send(text.slice(middle), { fin: true })
    }
    await until(() => answers === 40, 'each is answered')
    // Of a message in pieces the heads of all but one are not known.
    await until(() => httpOf(server).partialBytes < 1_000, 'nothing is left')
    expect(httpOf(server).shed).toEqual({})
    socket.terminate()
    await nothingInProgress(() => ({ partialBytes: httpOf(server).partialBytes }))
  })
})
