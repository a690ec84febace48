import { expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { PostponedSettings } from './postponed-settings.ts'

const level = { method: 'logging/setLevel', params: { level: 'info' } }

function begin(): {
  clock: VirtualClock
  said: { id: string }[]
  logged: string[]
  settings: PostponedSettings
} {
  const clock = new VirtualClock()
  const said: { id: string }[] = []
  const logged: string[] = []
  const settings = new PostponedSettings({
    idPrefix: 'again',
    clock,
    say: (message) => said.push(message as { id: string }),
    isWanted: () => true,
    onRefused: () => undefined,
    log: (line) => logged.push(line),
  })
  return { clock, said, logged, settings }
}

function answer(settings: PostponedSettings, id: string, message: object): boolean {
  return settings.take({ kind: 'response', id, isResult: 'result' in message, message })
}

test('a server that has no room for a quarter of an hour is asked ever more slowly, 32 times, and then let be', async () => {
  const { clock, said, logged, settings } = begin()
  settings.add(level, null)
  settings.start()
  const times: number[] = []
  for (let answered = 0; logged.length === 0; ) {
    await clock.advance(1_000)
    const next = said[answered]
    if (next === undefined) continue
    answered += 1
    times.push(clock.now())
    expect(answer(settings, next.id, { error: { code: -32_000, message: 'busy' } })).toBe(true)
  }
  expect(times).toHaveLength(32)
  expect(times.slice(0, 6)).toEqual([1_000, 3_000, 7_000, 15_000, 31_000, 61_000])
  expect(times.at(-1)).toBeGreaterThan(13 * 60_000)
  expect(logged[0]).toContain('until the next connection')
  expect(clock.pendingTimers).toBe(0)
})

test('answers to others, and to what is over, are not taken', async () => {
  const { clock, said, settings } = begin()
  expect(answer(settings, 'again-1', { result: {} })).toBe(false)
  settings.add(level, 250)
  settings.start()
  await clock.advance(1_000)
  expect(said).toEqual([{ id: 'again-1', ...level }])
  expect(answer(settings, 'again-2', { result: {} })).toBe(false)
  settings.stop()
  expect(answer(settings, 'again-1', { result: {} })).toBe(false)
  expect(clock.pendingTimers).toBe(0)
})

test('a time that a mistaken server names is kept to for ten minutes at most', async () => {
  const { clock, said, settings } = begin()
  settings.add(level, 86_400_000)
  settings.start()
  await clock.advance(599_999)
  expect(said).toEqual([])
  await clock.advance(1)
  expect(said).toHaveLength(1)
})
