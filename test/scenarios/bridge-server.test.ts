// The bridge's own core before the real server, over a line that can be cut: what is too large for the server costs its caller one
// sentence and nobody a connection, and what a client has set is still set after the line was cut. Each proof has its planted fault.

import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { ClientSettings } from '../../src/bridge/client-settings.ts'
import type { LinkEnd } from '../../src/bridge/link.ts'
import { MeasuredLink } from '../../src/bridge/measured-link.ts'
import { PostponedSettings } from '../../src/bridge/postponed-settings.ts'
import { PeerSettings } from '../../src/surfaces/mcp/legacy/peer-settings.ts'
import { defineTool } from '../../src/tools/tool.ts'
import { BridgeClient } from '../support/bridge-client.ts'
import { CutLine } from '../support/cut-line.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'

const talk = defineTool({
  name: 'talk',
  title: 'Talk',
  description: 'Logs a line.',
  input: z.strictObject({}),
  annotations: {},
  pace: 'instant',
  async run(_input, context) {
    context.log('info', 'a word')
    return { content: [{ type: 'text', text: 'said' }] }
  },
})

let server: ServerFixture
let line: CutLine
let client: BridgeClient

beforeEach(async () => {
  server = await startServer({ yaml: 'limits: { bodyBytesMax: 65536 }', extraTools: [talk] })
  line = new CutLine(server.port)
})
afterEach(async () => {
  vi.restoreAllMocks()
  server.simulator.control({ glm: { gate: 'open' } })
  client.end()
  await until(() => server.inspect().mcp.clients.length === 0, 'the bridge has gone')
  await line.close()
  await server.stop()
})

/** How a test bends what the bridge hears. */
interface Bent {
  onMessage?(text: string): string
  onClose?(end: LinkEnd): LinkEnd
}

/** A bridge whose client has shaken hands. */
async function connected(bent: Bent = {}): Promise<void> {
  const url = `ws://127.0.0.1:${await line.open()}/ws`
  // By the server's own name: it knows nothing of the line.
  client = new BridgeClient({ url, headers: { host: `127.0.0.1:${server.port}` }, ...bent })
  await client.shakeHands()
}

/** As a server speaks that does not say how much it takes. */
function withoutBytesMax(text: string): string {
  const message = JSON.parse(text) as { id?: unknown; result?: { instance?: unknown } }
  if (!String(message.id).startsWith('exai-bridge-instance')) return text
  return JSON.stringify({ ...message, result: { instance: message.result?.instance } })
}

const heard = (method: string): number => client.written.filter((message) => message.method === method).length

const chat = (id: number, prompt: string): void =>
  client.say({ id, method: 'tools/call', params: { name: 'chat', arguments: { prompt, model: 'glm-5.2' } } })

const openGate = (): void => void server.simulator.control({ glm: { gate: 'open' } })

/** A call that the vendor works on until its gate is opened. */
async function held(id: number): Promise<void> {
  server.simulator.control({ glm: { gate: 'closed' } })
  chat(id, 'held at the vendor')
  await until(() => server.simulator.stats(0).glm.inFlight === 1, 'the vendor works on it')
}

async function cutAndMend(): Promise<void> {
  const before = line.connections
  line.cut()
  await until(() => server.inspect().mcp.clients.length === 0, 'the server has seen it go')
  line.mend()
  await until(() => line.connections === before + 1, 'the bridge is back')
}

// 60,000 characters, and three times as many bytes.
const tooMuch = '漢'.repeat(60_000)

describe('a message that is larger than the server takes', () => {
  test('is answered with its size and the server’s, and nobody loses the connection', async () => {
    await connected()
    await held(1)
    chat(2, tooMuch)
    expect((await client.answer(2)).error?.message).toMatch(
      /is 180\d\d\d bytes long.*takes at most 65536 bytes.*by its path/,
    )
    await client.ask(3, 'tools/call', { name: 'talk', arguments: {} })
    openGate()
    expect(JSON.stringify(await client.answer(1))).toContain('held at the vendor')
    expect(line.connections).toBe(1)
  })

  test('costs one connection where the server had not said so; what ran beside it is answered, once', async () => {
    await connected({ onMessage: withoutBytesMax })
    await held(1)
    chat(2, tooMuch)
    expect((await client.answer(2)).error?.message).toMatch(
      /takes less in one message: nothing of it was done/,
    )
    await client.ask(3, 'tools/call', { name: 'talk', arguments: {} })
    openGate()
    expect(JSON.stringify(await client.answer(1))).toContain('held at the vendor')
    expect(line.connections).toBe(2)
    expect([1, 2, 3].map((id) => client.answersTo(id).length)).toEqual([1, 1, 1])
    expect(server.simulator.stats(0).glm.requests).toEqual({ chat: 1 })
  })

  test('sabotage: without the bridge’s look at the size its window loses the connection', async () => {
    vi.spyOn(MeasuredLink.prototype, 'isTooLarge').mockReturnValue(false)
    await connected()
    chat(2, tooMuch)
    await client.answer(2)
    await client.ask(3, 'tools/call', { name: 'talk', arguments: {} })
    expect(line.connections).toBe(2)
  })

  test('sabotage: taken for a line that broke it is sent again and again, and even then not for ever', async () => {
    vi.spyOn(MeasuredLink.prototype, 'isTooLarge').mockReturnValue(false)
    await connected({ onClose: (end) => ({ ...end, fate: end.fate === 'refused' ? 'unknown' : end.fate }) })
    chat(2, tooMuch)
    expect((await client.answer(2)).error?.message).toContain('may or may not have been done')
    expect(line.connections).toBe(8)
  })
})

test('a call whose caller may call no more is answered with why', async () => {
  await connected()
  await held(1)
  await admitPerson(join(server.home, 'data'), 'anna')
  expect((await client.answer(1)).result).toMatchObject({
    isError: true,
    content: [{ text: expect.stringContaining('has been revoked') }],
  })
})

describe('what a client has set', () => {
  async function set(): Promise<void> {
    await connected()
    await client.ask(1, 'logging/setLevel', { level: 'info' })
    await client.ask(2, 'resources/subscribe', { uri: 'exai://usage' })
    await client.ask(3, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(1)
    client.forget()
  }

  test('is still set after the line was cut', async () => {
    await set()
    await cutAndMend()
    await client.ask(4, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(1)
    chat(5, 'something to pay for')
    await client.answer(5)
    await until(() => heard('notifications/resources/updated') > 0, 'the watched resource is told')
    expect(client.written.map(({ id }) => id).filter((id) => id !== undefined)).toEqual([4, 5])
  })

  test('sabotage: a bridge that forgets it loses the level without a word', async () => {
    vi.spyOn(ClientSettings.prototype, 'all').mockReturnValue([])
    await set()
    await cutAndMend()
    await client.ask(4, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(0)
  })

  /** As many calls as one window may have, held at the vendor. */
  async function allPlacesTaken(): Promise<readonly number[]> {
    const ids = [10, 11, 12, 13]
    server.simulator.control({ glm: { gate: 'closed' } })
    for (const id of ids) chat(id, `held ${id}`)
    await until(() => server.inspect().calls.inFlight === ids.length, 'all its places are taken')
    return ids
  }

  async function letGo(ids: readonly number[]): Promise<void> {
    openGate()
    for (const id of ids) await client.answer(id)
    client.forget()
  }

  test('is still set where all the calls that a window may make were running: they keep their places over the break', async () => {
    await set()
    const ids = await allPlacesTaken()
    const postponed = vi.spyOn(PostponedSettings.prototype, 'add')
    await cutAndMend()
    // It goes out when the settings have been answered, and the calls must run until then.
    await client.ask(20, 'ping', {})
    await letGo(ids)
    await client.ask(4, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(1)
    expect(postponed).not.toHaveBeenCalled()
  })

  test('is set again by and by at a server that counts it as a call and has no place for one', async () => {
    vi.spyOn(PeerSettings.prototype, 'isKept', 'get').mockReturnValue(true)
    await set()
    const ids = await allPlacesTaken()
    const postponed = vi.spyOn(PostponedSettings.prototype, 'add')
    await cutAndMend()
    await until(() => postponed.mock.calls.length === 2, 'both have been refused')
    const setLevel = vi.spyOn(PeerSettings.prototype, 'setLogLevel')
    const watch = vi.spyOn(PeerSettings.prototype, 'watch')
    await letGo(ids)
    await until(() => setLevel.mock.calls.length + watch.mock.calls.length === 2, 'both have been set')
    await client.ask(4, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(1)
  })

  test('sabotage: a bridge that takes the first no for an answer has lost it', async () => {
    vi.spyOn(PeerSettings.prototype, 'isKept', 'get').mockReturnValue(true)
    await set()
    const ids = await allPlacesTaken()
    const postponed = vi.spyOn(PostponedSettings.prototype, 'add').mockReturnValue()
    await cutAndMend()
    await until(() => postponed.mock.calls.length === 2, 'both have been refused')
    await letGo(ids)
    await client.ask(4, 'tools/call', { name: 'talk', arguments: {} })
    expect(heard('notifications/message')).toBe(0)
  })
})
