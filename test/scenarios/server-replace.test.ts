// A server replaced under way by another process over the same data folder: nobody who calls notices, what runs is finished by the one
// that began it, and counts have one writer. Cutting the old one off instead is found out.

import { mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { replaceProtocol, writeIncumbent } from '../../src/cli/replace/incumbent.ts'
import { findPredecessor, type Predecessor } from '../../src/cli/replace/predecessor.ts'
import { openHttpWindow } from '../support/http-window.ts'
import { nothingInProgress } from '../support/leftovers.ts'
import { until } from '../support/mcp-composition.ts'
import { openSocketWindow } from '../support/socket-window.ts'
import { type Life, Successors } from '../support/successors.ts'
import type { Window, WindowDoor } from '../support/window-call.ts'

let home: string
let simulator: Simulator
let servers: Successors

beforeEach(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'exai-replace-')))
  writeFileSync(join(home, 'exai.yaml'), 'providers: { glm: { concurrency: 8 } }')
  simulator = createSimulator({ glm: { serviceMs: 30, concurrency: { default: 16 } } })
  await simulator.listen()
  servers = new Successors(home, simulator)
})
afterEach(async () => {
  simulator.control({ glm: { gate: 'open' } })
  await servers.end()
  await simulator.close()
  rmSync(home, { recursive: true, force: true })
})

const begin = (before: Predecessor | null = null): Promise<Life> => servers.begin(before)

const served = ({ server }: Life): number =>
  (server.inspect().calls as { readonly finished: number }).finished
const calls = (life: Life): unknown => life.server.inspect().calls

/** Whether the vendor has heard of it. */
const isKnown = (prompt: string): boolean =>
  simulator.stats().glm.log.some(({ about }) => about.includes(prompt))

/** A program that calls all the time, connects again when its socket is closed, and writes down what failed. */
async function call(door: WindowDoor, name: string, url: string, isOver: () => boolean): Promise<string[]> {
  const open = (): Promise<Window> =>
    door === 'websocket' ? openSocketWindow({ url, name }) : openHttpWindow(door, { url, name })
  const failures: string[] = []
  let window = await open()
  let isClosed = false
  const watch = (): void =>
    void window.closed.then(() => {
      isClosed = true
    })
  watch()
  for (let turn = 0; !isOver(); turn++) {
    if (isClosed) {
      isClosed = false
      window = await open()
      watch()
    }
    const prompt = `${name} asks for the ${turn}th time.`
    const { answer } = window.call('chat', { prompt })
    const got = await answer
    // A socket may be closing already when it is written to: then the call is for the next one, and nobody has begun it.
    if (got === null && door === 'websocket' && !isKnown(prompt)) {
      await window.closed
      turn--
    } else if (got === null || got.isError || !got.text.includes(name)) {
      failures.push(`${name}: ${got?.text ?? 'no answer'}`)
    }
    // What a model needs to think of its next call; a socket is closed in that time.
    await new Promise((done) => setTimeout(done, door === 'websocket' ? 400 : 40))
  }
  await window.close()
  return failures
}

describe('a replacement', () => {
  test('is noticed by nobody who calls, whatever door, and the old one ends by itself', async () => {
    const old = await begin()
    let isOver = false
    const doors = ['modern', 'legacy', 'websocket'] as const
    const callers = doors.flatMap((door) =>
      [1, 2].map((n) => call(door, `${door}-${n}`, old.url, () => isOver)),
    )
    await until(() => served(old) > 12, 'all are at work')
    const next = await begin(await findPredecessor(join(home, 'data')))
    await old.ear.replaced
    const released = old.server.release()
    await until(() => served(next) > 24, 'the new one is at work')
    await released
    isOver = true
    expect((await Promise.all(callers)).flat()).toEqual([])
    expect(next.port).toBe(old.port)
    await nothingInProgress(old.server.inspect)
    for (const life of [old, next]) {
      const { failed, refused, abandoned } = calls(life) as Readonly<Record<string, unknown>>
      expect({ failed, refused, abandoned }).toEqual({ failed: {}, refused: {}, abandoned: 0 })
    }
    const { requests } = simulator.stats(0).glm
    expect(requests.chat).toBe(served(old) + served(next))
  })

  test('leaves what runs to the one that began it', async () => {
    const old = await begin()
    const windows = await Promise.all([
      openHttpWindow('modern', { url: old.url, name: 'window-modern' }),
      openHttpWindow('legacy', { url: old.url, name: 'window-legacy' }),
      openSocketWindow({ url: old.url, name: 'window-socket' }),
    ])
    simulator.control({ glm: { gate: 'closed' } })
    const running = windows.map((window) => window.call('chat', { prompt: `${window.name} waits.` }))
    await until(() => simulator.stats(0).glm.inFlight === 3, 'all three run')
    const next = await begin(await findPredecessor(join(home, 'data')))
    let isReleased = false
    const released = old.server.release().then(() => {
      isReleased = true
    })
    expect((await windows[0]?.ask('status', {}))?.isError).toBe(false)
    expect(isReleased).toBe(false)
    simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of running) expect(await answer).toMatchObject({ isError: false })
    expect(await windows[2]?.closed).toMatchObject({ code: 1012 })
    await released
    // The three, and perhaps the short one: its connection came while the old one was about to leave its port.
    expect(served(old)).toBeGreaterThanOrEqual(3)
    expect(simulator.stats(0).glm).toMatchObject({ abortCount: 0, requests: { chat: 3 } })
    // The session goes on at the new one.
    expect((await windows[1]?.ask('status', {}))?.isError).toBe(false)
    expect(next.server.inspect().mcp).toMatchObject({ sessions: 1 })
    await Promise.all(windows.map((window) => window.close()))
  })

  test('that never comes about changes nothing', async () => {
    const old = await begin()
    const before = await findPredecessor(join(home, 'data'))
    await before.rest()
    before.close()
    const window = await openHttpWindow('modern', { url: old.url, name: 'window-one' })
    expect((await window.ask('chat', { prompt: 'Hello.' })).isError).toBe(false)
    await window.close()
    const again = await findPredecessor(join(home, 'data'))
    await again.rest()
    again.close()
    expect(statSync(join(home, 'data', 'serve.json')).mode & 0o777).toBe(0o600)
  })

  test('the check can fail: an old server that ends at once is found out', async () => {
    const old = await begin()
    let isOver = false
    const callers = (['modern', 'legacy'] as const).map((door) =>
      call(door, `${door}-1`, old.url, () => isOver),
    )
    await until(() => served(old) > 4, 'all are at work')
    simulator.control({ glm: { gate: 'closed' } })
    await until(() => simulator.stats(0).glm.inFlight === 2, 'both run')
    await begin(await findPredecessor(join(home, 'data')))
    await old.server.destroy()
    simulator.control({ glm: { gate: 'open' } })
    isOver = true
    expect((await Promise.all(callers)).flat().length).toBeGreaterThan(0)
  })
})

describe('is told in a sentence that there is nobody to replace', () => {
  const folder = (): string => join(home, 'data')

  test('where no server was ever started', async () => {
    await expect(findPredecessor(home)).rejects.toThrow(/none to replace\. Start without --replace\.$/)
  })

  test('where it is gone', async () => {
    const { ear } = await begin()
    const incumbent = { protocol: replaceProtocol, version: '0', pid: 1, host: '127.0.0.1', port: 1 }
    await ear.close()
    await writeIncumbent(folder(), { ...incumbent, socket: join(folder(), 'gone.sock') })
    await expect(findPredecessor(folder())).rejects.toThrow(
      /\(process 1\) is gone \(ENOENT\), so there is none/,
    )
  })

  test('where it speaks other words', async () => {
    await begin()
    const incumbent = { version: '9.9.9', pid: 1, host: '127.0.0.1', port: 1, socket: '/nowhere' }
    await writeIncumbent(folder(), { ...incumbent, protocol: replaceProtocol + 1 })
    await expect(findPredecessor(folder())).rejects.toThrow(/version 9\.9\.9.*Stop it, then start without/)
  })
})
