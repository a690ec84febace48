// The writes of the operators' door, on a real socket: who may and who may not, what they change, and that reading needs nothing new.

import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'
import { type FixtureOptions, type ServerFixture, withServer } from '../support/server-fixture.ts'

const path = '/api/queue-order'
const model = 'glm-5.2'
const options: FixtureOptions = { simulator: { glm: { gate: 'closed', concurrency: 1 } } }
const fifo = '{"order":"fifo"}'

type Headers = Readonly<Record<string, string>>

const tokenOf = async (server: ServerFixture): Promise<string> =>
  (await readFile(join(server.home, 'data', 'operator-token'), 'utf8')).trim()
const orderOf = (server: ServerFixture): unknown => server.inspect().groups[`glm/main ${model}`]?.order
const write = (server: ServerFixture, headers: Headers, body = fifo) =>
  server.plain('POST', path, { headers, body })

/** Somebody waits, so that there is a queue whose order can be seen. */
async function occupied(server: ServerFixture): Promise<() => Promise<void>> {
  const window = await server.window('modern', 'window-one')
  const call = window.call('chat', { model, prompt: 'I hold the slot.' })
  await until(() => server.simulator.stats(0).glm.inFlight === 1, 'it is at the vendor')
  return async () => {
    server.simulator.control({ glm: { gate: 'open' } })
    await call.answer
  }
}

describe('a write at this computer', () => {
  test('needs our own Origin and the token of the data folder, and changes the order of all that wait', async () => {
    await withServer(options, async (server) => {
      const done = await occupied(server)
      const token = await tokenOf(server)
      const own = { origin: server.url }
      const good = { ...own, 'x-exai-token': token }
      const bars: readonly (readonly [string, Headers, RegExp])[] = [
        ['nothing', {}, /Origin/],
        ['the token alone', { 'x-exai-token': token }, /must name this server as its Origin/],
        [
          'a page elsewhere',
          { origin: 'https://evil.example.com', 'x-exai-token': token },
          /may not use this server/,
        ],
        [
          'another port of this machine',
          { origin: 'http://127.0.0.1:5173', 'x-exai-token': token },
          /must name this server as its Origin/,
        ],
        ['no Origin at all', { origin: 'null', 'x-exai-token': token }, /may not use this server/],
        ['the Origin alone', own, /needs the token/],
        ['another token', { ...own, 'x-exai-token': `${token.slice(1)}x` }, /needs the token/],
        ['a part of it', { ...own, 'x-exai-token': token.slice(0, -1) }, /needs the token/],
        ['an empty one', { ...own, 'x-exai-token': '' }, /needs the token/],
      ]
      for (const [what, headers, sentence] of bars) {
        const { status, text } = await write(server, headers)
        expect(status, what).toBe(403)
        expect(text, what).toMatch(sentence)
      }
      expect(orderOf(server)).toBe('fair')

      const { status, text } = await write(server, good)
      expect([status, JSON.parse(text)]).toEqual([200, { order: 'first-come' }])
      expect(orderOf(server)).toBe('first-come')
      expect((await write(server, good, '{"order":"fair"}')).status).toBe(200)
      expect(orderOf(server)).toBe('fair')
      await until(() => server.log().includes('queue-order-changed'), 'the log says so')
      expect(server.log()).not.toContain(token)
      expect(JSON.stringify(server.inspect())).not.toContain(token)
      await done()
    })
  })

  test('says what may be sent, and takes nothing else', async () => {
    await withServer({}, async (server) => {
      const good = { origin: server.url, 'x-exai-token': await tokenOf(server) }
      for (const body of ['', '{', '{"order":"mine"}', '{"order":"fair","more":1}', '[]', 'null']) {
        const { status, text } = await write(server, good, body)
        expect([status, text]).toEqual([400, expect.stringContaining('first come, first served')])
      }
      expect((await write(server, good, `{"order":"${'x'.repeat(2_000)}"}`)).status).toBe(413)
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect((await server.plain(method, path, { headers: good })).status).toBe(405)
      }
      const { mode } = await stat(join(server.home, 'data', 'operator-token'))
      expect(mode & 0o777).toBe(0o600)
    })
  })

  test('does not change who may read', async () => {
    await withServer({}, async (server) => {
      for (const each of ['/healthz', '/readyz', '/api/inspect']) {
        expect((await server.plain('GET', each)).status).toBe(200)
        expect((await server.plain('POST', each)).status).toBe(405)
      }
    })
  })
})

describe('a bill that was paid', () => {
  const revivePath = '/api/revive'

  test('lets a dead account be asked again with the next job, for whoever may write', async () => {
    const broke: FixtureOptions = { simulator: { glm: { faults: ['quota-gone'] } } }
    await withServer(broke, async (server) => {
      const window = await server.window('modern', 'window-one')
      const ask = async (prompt: string) => window.ask('chat', { model, prompt })
      expect((await ask('one')).isError).toBe(true)
      const { requests } = server.simulator.stats(0).glm
      server.simulator.control({ glm: { faults: [] } })
      // Nobody but a person knows that it works again: the vendor is not asked.
      expect((await ask('two')).isError).toBe(true)
      expect(server.simulator.stats(0).glm.requests).toEqual(requests)

      const good = { origin: server.url, 'x-exai-token': await tokenOf(server) }
      const revive = (headers: Headers, body: string) => server.plain('POST', revivePath, { headers, body })
      expect((await revive({ origin: server.url }, '{}')).status).toBe(403)
      expect(await revive(good, '{"account":7}')).toMatchObject({
        status: 400,
        text: expect.stringContaining('{} for all accounts'),
      })
      const elsewhere = await revive(good, '{"account":"kimi/main"}')
      expect(JSON.parse(elsewhere.text)).toEqual({ revived: [], dead: ['glm/main#0'] })
      expect((await ask('three')).isError).toBe(true)

      const { status, text } = await revive(good, '{"account":"glm/main"}')
      expect([status, JSON.parse(text)]).toEqual([200, { revived: ['glm/main#0'], dead: [] }])
      expect((await ask('four')).isError).toBe(false)
      await until(() => server.log().includes('keys-revived'), 'the log says so')
    })
  })

  test('is no reason to ask again who owes still: it is dead at once', async () => {
    await withServer({ simulator: { glm: { faults: ['quota-gone'] } } }, async (server) => {
      const window = await server.window('modern', 'window-one')
      await window.ask('chat', { model, prompt: 'one' })
      const good = { origin: server.url, 'x-exai-token': await tokenOf(server) }
      const revived = await server.plain('POST', revivePath, { headers: good, body: '{}' })
      expect(JSON.parse(revived.text)).toEqual({ revived: ['glm/main#0'], dead: [] })
      await window.ask('chat', { model, prompt: 'two' })
      const again = await server.plain('POST', revivePath, { headers: good, body: '{"account":"none"}' })
      expect(JSON.parse(again.text)).toEqual({ revived: [], dead: ['glm/main#0'] })
    })
  })
})

describe('a write with keys in force', () => {
  test('needs the key of an operator, whose key is token enough, and our own Origin still', async () => {
    const keys: Record<string, string> = {}
    const prepare = async (dataDir: string): Promise<void> => {
      keys.anna = await admitPerson(dataDir, 'anna', {})
      keys.olga = await admitPerson(dataDir, 'olga', { scope: 'operator' })
    }
    await withServer({ prepare }, async (server) => {
      const origin = server.url
      const token = { 'x-exai-token': await tokenOf(server) }
      const as = (name: string): Headers => ({ authorization: `Bearer ${keys[name]}` })
      expect((await write(server, { origin, ...token })).status).toBe(401)
      expect(await write(server, { origin, ...token, ...as('anna') })).toMatchObject({
        status: 403,
        text: expect.stringContaining('--operator'),
      })
      expect((await write(server, as('olga'))).status).toBe(403)
      expect((await write(server, { origin, ...as('olga') })).status).toBe(200)
    })
  })
})
