// A key in use gets another share or other limits, by the command that people run, beside a server that runs: what waits at a vendor
// is served by the new weight, calls are counted by the new limit and team, and nobody has to come again.

import { expect, test, vi } from 'vitest'
import { setKeyCommand } from '../../src/cli/key.ts'
import type { KeyTermFlags } from '../../src/cli/key-terms.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { until } from '../support/mcp-composition.ts'
import { admitPerson } from '../support/people.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowCall, type WindowDoor, windowDoors } from '../support/window-call.ts'

const group = 'glm/main glm-5.2'
// That a change is taken up within a second is told by principals/key-ring, in virtual time; a busy machine may take longer.
const slowly = { timeout: 20_000, interval: 50 }

/** A server with one slot that nothing leaves, and a key for each name. */
async function startWith(
  names: readonly string[],
  more = '',
): Promise<{ server: ServerFixture; keys: Map<string, string> }> {
  const keys = new Map<string, string>()
  const server = await startServer({
    yaml: `providers: { glm: { concurrency: 1 } }\nlimits: { client: { burst: 50, concurrency: 20 } }\n${more}`,
    simulator: { glm: { gate: 'closed', concurrency: 1 } },
    async prepare(dataDir) {
      for (const name of names) keys.set(name, await admitPerson(dataDir, name))
    },
  })
  return { server, keys }
}

async function set(server: ServerFixture, name: string, flags: KeyTermFlags): Promise<void> {
  const env = { HOME: server.home, EXAI_DATA_DIR: `${server.home}/data` }
  const config = loadConfig({ cwd: server.home, env })
  expect(await setKeyCommand(name, flags, { config, clock: systemClock })).toBe(0)
}

function weightOf(server: ServerFixture, name: string): number | undefined {
  const groups = server.server.inspect().groups as Record<
    string,
    { principals: readonly { name: string; weight: number }[] }
  >
  return groups[group]?.principals.find((each) => each.name === name)?.weight
}

test('a changed weight moves what waits already, and a key added or changed moves nobody else', async () => {
  const { server, keys } = await startWith(['holder', 'anna', 'bert'])
  const calls: WindowCall[] = []
  const ask = async (name: string, count: number): Promise<void> => {
    const window = await server.window('modern', `window-${name}`, { key: keys.get(name) ?? '' })
    for (let n = 0; n < count; n++)
      calls.push(window.call('chat', { model: 'glm-5.2', prompt: `${name}-${n}` }))
    const sent = calls.length - 1
    await until(() => (server.inspect().groups[group]?.waiting ?? 0) === sent, `${sent} wait`)
  }
  await ask('holder', 1)
  await ask('bert', 8)
  await ask('anna', 8)
  expect([weightOf(server, 'anna'), weightOf(server, 'bert')]).toEqual([1, 1])
  await set(server, 'anna', { weight: '500' })
  await vi.waitFor(() => expect(weightOf(server, 'anna')).toBe(500), slowly)
  expect(weightOf(server, 'bert')).toBe(1)
  server.simulator.control({ glm: { gate: 'open' } })
  for (const call of calls) expect((await call.answer)?.isError).toBe(false)
  const served = server.simulator.stats(100).glm.log.map(({ about }) => about.slice(0, 4))
  // At equal weights they would take turns. One of bert's may be first, and one more where an answer took long.
  const before = served.slice(0, served.lastIndexOf('anna')).filter((name) => name === 'bert').length
  expect(served.filter((name) => name === 'anna')).toHaveLength(8)
  expect(before).toBeLessThanOrEqual(2)
  await server.stop()
})

test('a changed limit binds the next call of whoever is connected, at every door', async () => {
  const { server, keys } = await startWith([...windowDoors])
  for (const door of windowDoors) {
    const window = await server.window(door, `window-${door}`, { key: keys.get(door) ?? '' })
    expect(await window.ask('status', {})).toMatchObject({ isError: false })
    await set(server, door, { rpm: '1' })
    await vi.waitFor(async () => {
      const { isError, text } = await window.ask('status', {})
      expect(isError && text).toMatch(
        /^Your key may make 1 request a minute, and has used it\. Call again in /,
      )
    }, slowly)
  }
  server.simulator.control({ glm: { gate: 'open' } })
  await server.stop()
})

test('a changed team binds whoever is connected, and its old kept answers are not theirs any more, at every door', async () => {
  const teams =
    'teams: { red: {}, blue: { requestsPerMinute: 1 } }\ncache: { namespace: [principal, "team:red"] }\n'
  const { server, keys } = await startWith(['anna', ...windowDoors], teams)
  server.simulator.control({ glm: { gate: 'open' } })
  await set(server, 'anna', { team: 'red' })
  const open = (door: WindowDoor, name: string) =>
    server.window(door, `window-${door}-${name}`, { key: keys.get(name) ?? '' })
  for (const door of windowDoors) {
    const [anna, moved] = [await open('modern', 'anna'), await open(door, door)]
    const summary = async (window: Window, what: string) => {
      const { meta } = await window.ask('summarize', { model: 'glm-5.2', text: `${what} of ${door}.` })
      return meta['exai/answer']
    }
    await set(server, door, { team: 'red' })
    // In red it is given what red keeps, though it came when it was in no team.
    let tries = 0
    await vi.waitFor(async () => {
      const what = `Plan ${++tries}`
      await summary(anna, what)
      expect(await summary(moved, what), door).toMatchObject({ cached: true })
    }, slowly)
    await summary(anna, 'The secret')
    await set(server, door, { team: 'blue' })
    await vi.waitFor(async () => {
      const { isError, text } = await moved.ask('status', {})
      expect(isError && text, door).toMatch(/^Your team may make 1 request a minute, and has used it\. /)
    }, slowly)
    // Out of blue's limit again, and never again in red's answers.
    await set(server, door, { team: '-' })
    await vi.waitFor(async () => expect((await moved.ask('status', {})).isError).toBe(false), slowly)
    expect(await summary(moved, 'The secret'), door).not.toMatchObject({ cached: true })
  }
  await server.stop()
})
