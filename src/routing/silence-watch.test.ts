import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type SilenceLimits, SilenceWatch } from './silence-watch.ts'

async function open(limits: SilenceLimits = { firstTokenMs: () => 120, longestCallMs: 1_000 }) {
  const clock = new VirtualClock()
  await clock.advance(70)
  const watch = new SilenceWatch(clock, limits)
  const listen = (key = 'a') => watch.listen(key, 'glm')
  /** An attempt of so many milliseconds, in which nothing is heard. */
  const silent = async (ms: number, key?: string): Promise<boolean> => {
    const ear = listen(key)
    await clock.advance(ms)
    return ear.end()
  }
  return { clock, watch, listen, silent }
}

describe('the silence of an endpoint', () => {
  it('adds up over attempts that nobody heard anything in, without the time between them', async () => {
    const { clock, silent } = await open()
    expect(await silent(100)).toBe(false)
    await clock.advance(3_600_000)
    expect(await silent(19)).toBe(false)
    await clock.advance(3_600_000)
    expect(await silent(119, 'b')).toBe(false)
    expect(await silent(1)).toBe(true)
    expect(await silent(0)).toBe(true)
    expect(await silent(1, 'b')).toBe(true)
  })

  it('counts time once, however many were out, and all of it while one was', async () => {
    const { clock, listen, silent } = await open()
    const [first, second] = [listen(), listen()]
    await clock.advance(100)
    expect(first.end()).toBe(false)
    await clock.advance(10)
    const third = listen()
    await clock.advance(5)
    expect(second.end()).toBe(false)
    await clock.advance(4)
    expect(third.end()).toBe(false)
    await clock.advance(50)
    expect(await silent(0)).toBe(false)
    expect(await silent(1)).toBe(true)
  })

  it('is over when anybody hears a part, and begins again there', async () => {
    const { clock, listen, silent } = await open()
    await silent(100)
    const [waiting, speaker] = [listen(), listen()]
    await clock.advance(100)
    speaker.heard()
    await clock.advance(119)
    expect(speaker.end()).toBe(false)
    await clock.advance(1)
    expect(waiting.end()).toBe(true)
  })

  it('is over when it is to be judged anew, of that endpoint alone', async () => {
    const { clock, watch, listen } = await open()
    const [first, second, other] = [listen(), listen(), listen('b')]
    await clock.advance(100)
    watch.restart('a')
    await clock.advance(119)
    expect([first.end(), other.end()]).toEqual([false, true])
    await clock.advance(1)
    expect(second.end()).toBe(true)
  })

  it('may last for the provider’s own limit, or three fifths of the longest call if that is shorter', async () => {
    const asked: string[] = []
    const firstTokenMs = (provider: string): number => {
      asked.push(provider)
      return 120
    }
    const limitOf = async (limits: SilenceLimits, limitMs: number) => {
      const { silent } = await open(limits)
      return [await silent(limitMs - 1), await silent(1)]
    }
    expect(await limitOf({ firstTokenMs, longestCallMs: 201 }, 120)).toEqual([false, true])
    expect(asked).toEqual(['glm', 'glm'])
    expect(await limitOf({ firstTokenMs, longestCallMs: 100 }, 60)).toEqual([false, true])
    expect(await limitOf({ firstTokenMs }, 120)).toEqual([false, true])
    expect(await limitOf({ longestCallMs: 100 }, 60)).toEqual([false, true])
    expect(await limitOf({ longestCallMs: 100, firstTokenMs: () => undefined }, 60)).toEqual([false, true])
    expect(await limitOf({}, 1e9)).toEqual([false, false])
  })

  it('is kept of a bounded number, and of one that was forgotten no wrong count', async () => {
    const { clock, listen } = await open()
    const first = listen()
    await clock.advance(10)
    for (let i = 0; i < 1_024; i++) listen(`other ${i}`)
    const second = listen()
    await clock.advance(110)
    expect([first.end(), second.end()]).toEqual([true, false])
  })
})
