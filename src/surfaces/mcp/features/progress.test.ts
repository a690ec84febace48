import { beforeEach, expect, test } from 'vitest'
import type { Progress } from '../../../domain/progress.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { Pace } from '../../../streams/pace.ts'
import { createProgressReporter, type ProgressReporter } from './progress.ts'

const queued: Extract<Progress, { kind: 'queued' }> = {
  kind: 'queued',
  provider: 'glm',
  position: 1,
  waiting: 1,
  expectedWaitMs: null,
  holders: { own: 0, siblings: 0, others: 0 },
}

let clock: VirtualClock
let sent: { at: number; progress: number; message: string }[]
let reporter: ProgressReporter

beforeEach(() => {
  clock = new VirtualClock()
  sent = []
  reporter = createProgressReporter({
    clock,
    token: 'tok',
    pace: new Pace(clock, 10),
    send(json) {
      const { params } = JSON.parse(json)
      expect(params.progressToken).toBe('tok')
      sent.push({ at: clock.now(), progress: params.progress, message: params.message })
    },
  })
})

test('text goes out twice a second at most and adds up: no piece is lost', async () => {
  for (let n = 1; n <= 20; n++) {
    reporter.report({ kind: 'text', text: `${n} `, attempt: 1 })
    await clock.advance(100)
  }
  reporter.report({ kind: 'text', text: 'end', attempt: 2 })
  reporter.stop()
  expect(sent.map((each) => each.at)).toEqual([0, 500, 1000, 1500, 2000, 2000])
  expect(sent.map((each) => each.message)).toEqual([
    '1 ',
    '2 3 4 5 ',
    '6 7 8 9 10 ',
    '11 12 13 14 15 ',
    '16 17 18 19 20 ',
    '(attempt 2) end',
  ])
})

test('a new attempt starts over: text of the failed one that was not sent yet is dropped', async () => {
  reporter.report({ kind: 'text', text: 'sent', attempt: 1 })
  reporter.report({ kind: 'text', text: 'never seen', attempt: 1 })
  reporter.report({ kind: 'text', text: 'fresh', attempt: 2 })
  reporter.stop()
  expect(sent.map((each) => each.message)).toEqual(['sent', '(attempt 2) fresh'])
})

test('a flood goes out ten times in any second at most, the newest wins, and the last word is heard', async () => {
  for (let n = 1; n <= 1_000; n++) {
    reporter.report({ kind: 'working', message: `step ${n}` })
    await clock.advance(5)
  }
  await clock.advance(1_000)
  reporter.stop()
  for (const { at } of sent) {
    expect(sent.filter((other) => other.at >= at && other.at < at + 1_000).length).toBeLessThanOrEqual(10)
  }
  expect(sent.length).toBeGreaterThan(50)
  expect(sent.at(-1)?.message).toBe('step 1000')
})

test('numbers only rise, whatever is reported', async () => {
  reporter.report({ kind: 'started', provider: 'glm', model: 'glm-5.3', attempt: 1 })
  reporter.report({ kind: 'text', text: 'a', attempt: 1 })
  reporter.report({ kind: 'first-token', provider: 'glm', attempt: 1 })
  await clock.advance(30_000)
  reporter.stop()
  expect(sent.map((each) => each.progress)).toEqual(sent.map((_, index) => index + 1))
})

test('it is never silent for ten seconds', async () => {
  reporter.report({ ...queued, provider: 'kimi', position: 2, waiting: 4, expectedWaitMs: 61_000 })
  await clock.advance(60_000)
  reporter.stop()
  let last = 0
  for (const { at } of sent) {
    expect(at - last).toBeLessThan(10_000)
    last = at
  }
  expect(sent[0]?.message).toBe('Waiting for kimi: 2nd of 4, about 61 s')
  expect(sent[1]?.message).toBe('Waiting for kimi: 2nd of 4, about 61 s (9 s so far)')
})

test('after stop nothing is sent and no timer is left', async () => {
  reporter.report({ kind: 'text', text: 'a', attempt: 1 })
  reporter.report({ kind: 'text', text: 'b', attempt: 1 })
  reporter.stop()
  const count = sent.length
  expect(sent.at(-1)?.message).toBe('b')
  reporter.report({ kind: 'working', message: 'late' })
  await clock.advance(60_000)
  expect(sent).toHaveLength(count)
  expect(clock.pendingTimers).toBe(0)
})

test.each([
  [{ own: 0, siblings: 0, others: 0 }, ''],
  [{ own: 1, siblings: 0, others: 0 }, ' (1 slot: yours)'],
  [{ own: 0, siblings: 1, others: 0 }, " (1 slot: another window's)"],
  [{ own: 0, siblings: 0, others: 1 }, " (1 slot: another person's)"],
  [{ own: 1, siblings: 1, others: 0 }, " (2 slots: 1 yours, 1 other windows')"],
  [{ own: 2, siblings: 3, others: 4 }, " (9 slots: 2 yours, 3 other windows', 4 other people's)"],
])('who waits is told who holds the slots: %o', (holders, said) => {
  reporter.report({ ...queued, position: 3, waiting: 7, expectedWaitMs: 12_000, holders })
  reporter.stop()
  expect(sent[0]?.message).toBe(`Waiting for glm: 3rd of 7, about 12 s${said}`)
})

test('sentences read well at the edges', () => {
  reporter.report(queued)
  reporter.report({ kind: 'started', provider: 'glm', model: null, attempt: 2 })
  reporter.report({ kind: 'working', message: 'x'.repeat(10_000) })
  expect(sent[0]?.message).toBe('Waiting for glm: next')
  expect(sent[1]?.message).toBe('Asking glm, attempt 2')
  expect(sent[2]?.message).toHaveLength(2_000)
  reporter.stop()
})
