// The bridge's own core before a real server that asks for keys: whoever has a key that is missing, wrong or revoked is told so at
// once, in the server's own words, and works on when that has been put right. The proof has its planted fault.

import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { LinkEnd } from '../../src/bridge/link.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { mintKey } from '../../src/principals/api-key.ts'
import { keyFileName } from '../../src/principals/key-file.ts'
import { BridgeClient } from '../support/bridge-client.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson, expelPerson } from '../support/people.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'

// What waits in vain is answered after a minute: sooner than that, it was not waited for.
const promptly = 30_000

let server: ServerFixture
let client: BridgeClient
let keyOfAnna = ''
const dataDir = (): string => join(server.home, 'data')

beforeEach(async () => {
  server = await startServer({
    async prepare(dataDir) {
      keyOfAnna = await admitPerson(dataDir, 'anna')
    },
  })
})
afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' } })
  client.end()
  await until(() => server.inspect().mcp.clients.length === 0, 'the bridge has gone')
  await server.stop()
})

/** A bridge with this key; `onClose` bends what it hears of the end of a connection. */
function start(key: string | null, path = '/ws', onClose = (end: LinkEnd): LinkEnd => end): void {
  const url = `ws://127.0.0.1:${server.port}${path}`
  const headers: Record<string, string> = key === null ? {} : { authorization: `Bearer ${key}` }
  client = new BridgeClient({ url, headers, onClose })
}

/** Anna's window, with a chat that the vendor works on. */
async function working(onClose?: (end: LinkEnd) => LinkEnd): Promise<void> {
  start(keyOfAnna, '/ws', onClose)
  await client.shakeHands()
  server.simulator.control({ glm: { gate: 'closed' } })
  client.say({
    id: 1,
    method: 'tools/call',
    params: { name: 'chat', arguments: { prompt: 'p', model: 'glm-5.2' } },
  })
  await until(() => server.simulator.stats(0).glm.inFlight === 1, 'the vendor works on it')
}

describe('a key that is revoked while a call runs', () => {
  test('has it answered at once, and each that comes after it, until the key is good again', async () => {
    await working()
    const keyFile = join(dataDir(), keyFileName)
    copyFileSync(keyFile, `${keyFile}.before`)
    const began = systemClock.now()
    await expelPerson(dataDir(), 'anna')
    const running = JSON.stringify(await client.answer(1))
    expect(running).toContain('revoked')
    expect(running).not.toContain('tool \\"result\\"')
    await until(() => server.inspect().mcp.clients.length === 0, 'the connection is closed')
    expect((await client.ask(2, 'tools/list')).error?.message).toMatch(
      /does not let this bridge in \(it answered with HTTP 401: The key that was sent has been revoked\. .* EXAI_KEY/,
    )
    expect(systemClock.now() - began).toBeLessThan(promptly)

    copyFileSync(`${keyFile}.before`, keyFile)
    let id = 3
    while ((await client.ask(id, 'tools/list')).error !== undefined && id < 60) id += 1
    expect((await client.answer(id)).result).toHaveProperty('tools')
    expect([0, 1, 2].map((each) => client.answersTo(each).length)).toEqual([1, 1, 1])
  })

  test('sabotage: taken for a server that is away it says nothing for a minute', async () => {
    let refusals = 0
    await working((end) => {
      if (end.fate !== 'barred') return end
      refusals += 1
      return { ...end, fate: 'unknown' }
    })
    await expelPerson(dataDir(), 'anna')
    await until(() => server.inspect().mcp.clients.length === 0, 'the connection is closed')
    client.say({ id: 2, method: 'tools/list' })
    await until(() => refusals === 3, 'it is refused again and again')
    expect(client.answersTo(2)).toEqual([])
  })
})

describe('a handshake is answered at once with the reason', () => {
  test.each([
    ['without a key', () => null, '/ws', /HTTP 401: This server needs a key: .* from EXAI_KEY/],
    [
      'with a wrong key',
      () => mintKey().key,
      '/ws',
      /HTTP 401: This server does not know the key .* from EXAI_KEY/,
    ],
    [
      'at a wrong path',
      () => keyOfAnna,
      '/wss',
      /HTTP 404: There is no WebSocket at this path\. This server has /,
    ],
  ])('%s', async (_what, key, path, why) => {
    const began = systemClock.now()
    start(key(), path)
    expect((await client.shakeHands()).error?.message).toMatch(why)
    expect(systemClock.now() - began).toBeLessThan(promptly)
  })
})
