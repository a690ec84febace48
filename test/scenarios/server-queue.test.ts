// One slot at the vendor and many windows: never more than one request there, everybody served in the order of coming,
// everybody told where it stands, nobody left without a word for ten seconds, and a full queue refuses in a sentence.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from '../support/mcp-composition.ts'
import { type FixtureOptions, type ServerFixture, startServer } from '../support/server-fixture.ts'
import { type Window, type WindowCall, windowDoors } from '../support/window-call.ts'

const group = 'glm/main glm-5.2'
// Asked for by name, so that nobody is served elsewhere.
const model = 'glm-5.2'
const held = " (1 slot: another window's)"
const oneSlot = `providers: { glm: { concurrency: 1 } }\n`

let server: ServerFixture

afterEach(async () => {
  server.simulator.control({ glm: { gate: 'open' } })
  await server.stop()
})

async function start(options: FixtureOptions): Promise<void> {
  server = await startServer({
    yaml: oneSlot,
    simulator: { glm: { gate: 'closed', concurrency: 1 } },
    ...options,
  })
}

const waiting = (): number => server.inspect().groups[group]?.waiting ?? 0
const vendor = () => server.simulator.stats(100).glm
const heard = (call: WindowCall | undefined): readonly string[] =>
  call?.progress.map(({ message }) => message) ?? []

/** Opens `count` windows through all three doors and lets each call once, one after the other. */
async function lineUp(count: number): Promise<readonly { window: Window; call: WindowCall }[]> {
  const line: { window: Window; call: WindowCall }[] = []
  for (let index = 0; index < count; index++) {
    const window = await server.window(windowDoors[index % 3] ?? 'modern', `window-${index}`)
    line.push({ window, call: window.call('chat', { model, prompt: `PLACE-${index}-IN-LINE` }) })
    await until(() => vendor().inFlight === 1 && waiting() === index, `${index} wait`)
  }
  return line
}

describe('one slot and six windows', () => {
  test('are served one at a time, in order, and told their place', async () => {
    await start({})
    const line = await lineUp(6)
    await until(() => heard(line[5]?.call).length > 0, 'the last one knows its place')
    expect(heard(line[0]?.call)).toEqual(['Asking glm (glm-5.2)'])
    expect(heard(line[1]?.call)).toEqual([`Waiting for glm: next${held}`])
    expect(heard(line[2]?.call)).toEqual([`Waiting for glm: 2nd of 2${held}`])
    expect(heard(line[3]?.call)).toEqual([`Waiting for glm: 3rd of 3${held}`])
    expect(heard(line[5]?.call)).toEqual([`Waiting for glm: 5th of 5${held}`])
    server.simulator.control({ glm: { gate: 'open' } })
    for (const [index, { call }] of line.entries()) {
      expect((await call.answer)?.text).toContain(`PLACE-${index}-IN-LINE`)
      expect(heard(call)).toContain('glm is answering')
    }
    const { mostInFlight, requests, refusals, log } = vendor()
    expect({ mostInFlight, requests, refusals }).toEqual({
      mostInFlight: 1,
      requests: { chat: 6 },
      refusals: {},
    })
    expect(log.map(({ about }) => about)).toEqual(line.map((_, index) => `PLACE-${index}-IN-LINE`))
  })

  test('all at once, over and over, never exceed the slot, whatever the vendor would allow', async () => {
    await start({ simulator: { glm: { serviceMs: 10, concurrency: 50 } } })
    const windows = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        server.window(windowDoors[index % 3] ?? 'modern', `window-${index}`),
      ),
    )
    const answers = await Promise.all(
      windows.flatMap((window) =>
        [1, 2, 3].map(async (round) => {
          const mark = `${window.name}-round-${round}`
          return { mark, answer: await window.ask('chat', { model, prompt: mark }) }
        }),
      ),
    )
    for (const { mark, answer } of answers) expect(answer.text).toContain(mark)
    const { mostInFlight, requests, refusals } = vendor()
    expect({ mostInFlight, requests, refusals }).toEqual({
      mostInFlight: 1,
      requests: { chat: 18 },
      refusals: {},
    })
  })

  test('a place that somebody leaves is closed up, and the others are told', async () => {
    await start({})
    const line = await lineUp(4)
    await line[1]?.call.cancel()
    await until(() => waiting() === 2, 'one is gone')
    await until(
      () => heard(line[3]?.call).includes(`Waiting for glm: 2nd of 2${held}`),
      'the last one moved up',
    )
    expect(heard(line[2]?.call).at(-1)).toBe(`Waiting for glm: next${held}`)
  })
})

describe('a hundred slots', () => {
  test('are a hundred requests at the vendor, and its other models are asked beside them', async () => {
    const limits = `limits:
  client: { requestsPerMinute: 1000, burst: 100, concurrency: 32 }
  principal: { requestsPerMinute: 6000, burst: 600, concurrency: 256 }
`
    await start({
      yaml: `providers: { glm: { concurrency: 100 } }\n${limits}`,
      simulator: { glm: { gate: 'closed', concurrency: 100 } },
    })
    const calls: WindowCall[] = []
    for (let index = 0; index < 5; index++) {
      const window = await server.window('websocket', `window-${index}`)
      for (let nth = 0; nth < 20; nth++) {
        calls.push(window.call('chat', { model, prompt: `QUESTION-${index}-${nth}` }))
      }
    }
    await until(() => vendor().inFlight === 100, 'all are asked')
    const elsewhere = await server.window('websocket', 'window-elsewhere')
    calls.push(elsewhere.call('chat', { model: 'glm-4.7', prompt: 'Another model.' }))
    await until(() => vendor().inFlight === 101, 'the other model is asked')
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { answer } of calls) expect((await answer)?.isError).toBe(false)
  })
})

describe('in time', () => {
  test('the wait is estimated, and nobody is without a word for ten seconds', async () => {
    const clock = new VirtualClock()
    await start({ clock })
    const first = await server.window('modern', 'window-first')
    const warm = first.call('chat', { model, prompt: 'The first one takes 20 s.' })
    await until(() => vendor().inFlight === 1, 'it runs')
    await clock.advance(20_000)
    server.simulator.control({ glm: { gate: 'open' } })
    expect((await warm.answer)?.isError).toBe(false)
    await until(() => vendor().inFlight === 0, 'it is done')
    server.simulator.control({ glm: { gate: 'closed' } })

    const line = await lineUp(6)
    await until(() => heard(line[5]?.call).length > 0, 'the last one knows its place')
    expect(heard(line[3]?.call)).toEqual([`Waiting for glm: 3rd of 3, about 60 s${held}`])
    expect(heard(line[5]?.call)).toEqual([`Waiting for glm: 5th of 5, about 100 s${held}`])
    for (let seconds = 10; seconds <= 60; seconds += 10) {
      const before = line.map(({ call }) => call.progress.length)
      await clock.advance(10_000)
      await until(
        () => line.every(({ call }, index) => call.progress.length > (before[index] ?? 0)),
        `everybody has heard something after ${seconds} s`,
      )
    }
    // The one that runs was expected to take 20 s: from then on it may end any moment, and four are still before the last.
    expect(heard(line[5]?.call)).toContain(`Waiting for glm: 5th of 5, about 90 s${held}`)
    expect(heard(line[5]?.call).at(-1)).toBe(`Waiting for glm: 5th of 5, about 80 s${held}`)
    expect(heard(line[0]?.call).at(-1)).toMatch(/^Asking glm \(glm-5\.2\) \(5\d s so far\)$/)
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { call } of line) expect((await call.answer)?.isError).toBe(false)
  })

  test('who waits longer than the queue allows is told so', async () => {
    const clock = new VirtualClock()
    await start({ clock, yaml: `${oneSlot}limits: { queue: { waitMs: 30000 } }` })
    const line = await lineUp(2)
    await clock.advance(30_000)
    expect(await line[1]?.call.answer).toMatchObject({
      status: 200,
      isError: true,
      text: expect.stringMatching(/^No place at glm\/main glm-5\.2 became free within 30 seconds\. /),
    })
    expect(waiting()).toBe(0)
  })

  test('who waits longer than the queue allows, and named no model, is served elsewhere', async () => {
    const clock = new VirtualClock()
    await start({ clock, yaml: `${oneSlot}limits: { queue: { waitMs: 30000 } }` })
    await lineUp(1)
    const window = await server.window('modern', 'window-open')
    const call = window.call('chat', { prompt: 'ANYWHERE' })
    await until(() => waiting() === 1, 'it waits')
    await clock.advance(30_000)
    expect((await call.answer)?.text).toMatch(/ANYWHERE.*Answered by kimi kimi-k3\./s)
    expect(vendor().requests).toEqual({ chat: 1 })
  })
})

describe('short calls of one window behind the long one of another', () => {
  test('wait for it, though as many long ones would take too long, and none is summarized without a model', async () => {
    const clock = new VirtualClock()
    await start({
      clock,
      yaml: 'providers: { kimi: { concurrency: 1 } }\nlimits: { queue: { waitMs: 60000 } }',
      simulator: { kimi: { gate: 'closed', concurrency: 1 } },
    })
    const kimi = () => server.simulator.stats(1).kimi.inFlight
    const long = await server.window('modern', 'window-long')
    const review = async (): Promise<WindowCall> => {
      server.simulator.control({ kimi: { gate: 'closed' } })
      const call = long.call('chat', { model: 'kimi-k3', prompt: 'Something that takes 40 s.' })
      await until(() => kimi() === 1, 'it runs')
      return call
    }
    for (let n = 0; n < 6; n++) {
      const { answer } = await review()
      await clock.advance(40_000)
      server.simulator.control({ kimi: { gate: 'open' } })
      expect((await answer)?.isError).toBe(false)
      await until(() => kimi() === 0, 'it is done')
    }
    const last = await review()
    await clock.advance(30_000)
    const short = await server.window('modern', 'window-short')
    const calls = [1, 2, 3, 4].map((n) =>
      n % 2 === 0
        ? short.call('summarize', { text: `Tide ${n}. The moon pulls the sea. It is about tides.` })
        : short.call('chat', { model: 'kimi-k3', prompt: `Short question ${n}.` }),
    )
    await until(() => server.inspect().groups['kimi/main']?.waiting === 4, 'all four wait')
    await clock.advance(10_000)
    server.simulator.control({ kimi: { gate: 'open' } })
    for (const { answer } of [last, ...calls])
      expect(await answer).toMatchObject({
        isError: false,
        text: expect.stringContaining('Answered by kimi kimi-k3.'),
      })
  })
})

describe('a full queue', () => {
  test('refuses one window’s next job with a sentence, and takes another window’s', async () => {
    await start({ yaml: `${oneSlot}limits: { queue: { perClient: 2 } }` })
    const holder = await server.window('modern', 'window-holder')
    holder.call('chat', { model, prompt: 'I hold the slot.' })
    await until(() => vendor().inFlight === 1, 'the slot is taken')
    for (const [index, door] of windowDoors.entries()) {
      const window = await server.window(door, `window-${door}`)
      for (const turn of [1, 2]) window.call('chat', { model, prompt: `${door}, turn ${turn}` })
      await until(() => waiting() === 2 * index + 2, 'its places are taken')
      expect(await window.ask('chat', { model, prompt: 'one too many' })).toMatchObject({
        status: 200,
        isError: true,
        text: `2 jobs of your window already wait for ${group} (limit 2). Call again when some of them are done.`,
        meta: {
          'exai/refusal': { reason: 'queue-full', scope: 'client', limit: 2, used: 2, advice: 'wait' },
        },
      })
    }
    expect(vendor().requests).toEqual({ chat: 1 })
  })

  test('refuses everybody when the line of a principal is full, and serves them later', async () => {
    await start({
      yaml: `${oneSlot}limits: { queue: { perClient: 1 }, principal: { concurrency: 64 } }`,
    })
    const line = await lineUp(9)
    const late = await server.window('modern', 'window-late')
    expect(await late.ask('chat', { model, prompt: 'am I late?' })).toMatchObject({
      status: 200,
      isError: true,
      text: `8 jobs of your key already wait for ${group} (limit 8). Call again when some of them are done.`,
      meta: { 'exai/refusal': { reason: 'queue-full', scope: 'principal', limit: 8, used: 8 } },
    })
    server.simulator.control({ glm: { gate: 'open' } })
    for (const { call } of line) expect((await call.answer)?.isError).toBe(false)
    expect((await late.ask('chat', { model, prompt: 'and now?' })).isError).toBe(false)
    expect(vendor().mostInFlight).toBe(1)
  })
})

describe('a file that only a vendor reads', () => {
  const mebi = 1024 * 1024

  // One part, stored as it is, that weighs almost all of the file.
  function slides(bytes: number): Buffer {
    const [path, content] = [Buffer.from('ppt/presentation.xml'), Buffer.alloc(bytes, '四')]
    const header = (size: number, at: number, signature: number): Buffer => {
      const made = Buffer.alloc(size)
      made.writeUInt32LE(signature, 0)
      made.writeUInt32LE(crc32(content), at)
      made.writeUInt32LE(bytes, at + 4)
      made.writeUInt32LE(bytes, at + 8)
      made.writeUInt16LE(path.length, at + 12)
      return made
    }
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x06054b50, 0)
    end.writeUInt16LE(1, 8)
    end.writeUInt16LE(1, 10)
    end.writeUInt32LE(46 + path.length, 12)
    end.writeUInt32LE(30 + path.length + bytes, 16)
    return Buffer.concat([header(30, 14, 0x04034b50), path, content, header(46, 16, 0x02014b50), path, end])
  }

  test('is taken whatever it weighs, idle or busy, and a question of its window beside it', async () => {
    await start({
      yaml: 'providers: { kimi: { concurrency: 1 } }',
      simulator: { kimi: { gate: 'open', concurrency: 1 } },
    })
    const root = join(server.home, 'project')
    mkdirSync(root)
    const path = join(root, 'talk.pptx')
    writeFileSync(path, slides(9 * mebi))
    const window = await server.window('modern', 'window-1', { root })
    const first = await window.ask('summarize', { path })
    expect([first.isError, first.text]).toEqual([false, expect.any(String)])
    const ask = (prompt: string): WindowCall => window.call('chat', { model: 'kimi-k3', prompt })
    const kimi = (): number => server.inspect().groups['kimi/main']?.waiting ?? 0
    server.simulator.control({ kimi: { gate: 'closed' } })
    const calls = [ask('something that holds the slot')]
    await until(() => server.simulator.stats(1).kimi.inFlight === 1, 'the slot is taken')
    calls.push(window.call('summarize', { path, fresh: true }))
    await until(() => kimi() === 1, 'the file waits')
    calls.push(ask('a question beside it'))
    await until(() => kimi() === 2, 'the question waits too')
    server.simulator.control({ kimi: { gate: 'open' } })
    for (const call of calls) expect(await call.answer).toMatchObject({ isError: false })
  })
})

describe('a window that comes as a new client with every call', () => {
  test('three calls at once count as three windows, and leave the one that stays its quarter', async () => {
    await start({
      yaml: `${oneSlot}limits: { client: { burst: 100, concurrency: 10 }, principal: { burst: 500 } }`,
      simulator: { glm: { serviceMs: 20, concurrency: 1 } },
    })
    const served: string[] = []
    const total = 60
    let sent = 0
    const keepAsking = async (name: () => string): Promise<void> => {
      while (served.length < total) {
        const window = await server.window('modern', name())
        const { isError, text } = await window.ask('chat', { model, prompt: `QUESTION-${sent++}` })
        expect([isError, text]).toEqual([false, expect.any(String)])
        served.push(window.name.slice(0, 5))
      }
    }
    let ids = 0
    const three = <Value>(make: () => Value): Value[] => [make(), make(), make()]
    await Promise.all([
      ...three(() => keepAsking(() => 'stays-here')),
      ...three(() => keepAsking(() => `fresh-window-${ids++}`)),
    ])
    // A quarter is fifteen; it was one when newcomers took each other's places. The vendor's times vary a little, and so do turns.
    const own = served.slice(0, total).filter((name) => name === 'stays').length
    expect(own).toBeGreaterThanOrEqual(10)
    expect(own).toBeLessThanOrEqual(32)
  })
})
