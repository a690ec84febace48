import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { FirstVisits } from './first-visits.ts'
import { targetOf } from './target-of.ts'

const never = new AbortController().signal
const glm = targetOf()
const kimi = targetOf({ provider: 'kimi', accountName: 'kimi/main' })
const spare = targetOf({ provider: 'kimi', accountName: 'kimi/spare' })

function open() {
  const clock = new VirtualClock()
  const visits = new FirstVisits(clock)
  /** Waits for news, at most until 5 s; says when it came. */
  const news = (signal = never) => visits.news(kimi, 5_000, signal).then(() => clock.now())
  return { clock, visits, news }
}

describe('the news of a first visit', () => {
  it('is awaited while one is on its way and nothing was heard, there and nowhere else', () => {
    const { visits } = open()
    expect(visits.isAwaited(kimi)).toBe(false)
    const first = visits.begin(kimi)
    const second = visits.begin(kimi)
    expect([visits.isAwaited(kimi), visits.isAwaited(glm)]).toEqual([true, false])
    first()
    expect(visits.isAwaited(kimi)).toBe(true)
    second()
    expect(visits.isAwaited(kimi)).toBe(false)
  })

  it('is known for ten seconds', async () => {
    const { clock, visits } = open()
    visits.begin(kimi)
    visits.heard(kimi)
    await clock.advance(10_000)
    expect(visits.isAwaited(kimi)).toBe(false)
    await clock.advance(1)
    expect(visits.isAwaited(kimi)).toBe(true)
  })

  it('is awaited also where something was heard of late, once an attempt has failed there since', async () => {
    const { clock, visits } = open()
    visits.begin(kimi)
    visits.heard(kimi)
    visits.failed('kimi')
    expect([visits.isAwaited(kimi), visits.isAwaited(spare)]).toEqual([true, true])
    visits.heard(spare)
    expect([visits.isAwaited(kimi), visits.isAwaited(spare)]).toEqual([false, false])
    await clock.advance(1)
    expect(visits.failing).toEqual([])
  })

  it('is awaited of an account that alone was limited, from those who look at it and from no others', () => {
    const { visits } = open()
    const atMain = visits.begin(kimi)
    visits.failed('kimi/spare')
    expect([visits.isAwaited(kimi), visits.isAwaited(spare)]).toEqual([true, true])
    visits.heard(kimi)
    expect([visits.isAwaited(kimi), visits.isAwaited(spare)]).toEqual([false, false])
    const atSpare = visits.begin(spare)
    expect([visits.isAwaited(kimi), visits.isAwaited(spare)]).toEqual([false, true])
    atMain()
    visits.heard(kimi)
    expect(visits.isAwaited(spare)).toBe(true)
    atSpare()
    expect(visits.isAwaited(spare)).toBe(false)
    visits.begin(spare)
    visits.heard(spare)
    expect(visits.isAwaited(spare)).toBe(false)
  })

  it('is a failure for five minutes', async () => {
    const { clock, visits } = open()
    visits.failed('kimi')
    await clock.advance(300_000)
    expect([visits.hasFailed(kimi), visits.hasFailed(glm), visits.failing]).toEqual([true, false, ['kimi']])
    await clock.advance(1)
    expect([visits.hasFailed(kimi), visits.failing]).toEqual([false, []])
  })

  it('comes when something is heard, when a visit is over, or not at all', async () => {
    const { clock, visits, news } = open()
    const over = visits.begin(kimi)
    const heard = news()
    await clock.advance(100)
    visits.heard(kimi)
    const ended = news()
    await clock.advance(100)
    over()
    const neither = news()
    await clock.advance(10_000)
    expect(await Promise.all([heard, ended, neither])).toEqual([100, 200, 5_000])
    expect(clock.pendingTimers).toBe(0)
  })

  it('comes with the parts that change something, and not with each', async () => {
    const { clock, visits } = open()
    visits.begin(spare)
    visits.heard(kimi)
    visits.failed('kimi/spare')
    let wakes = 0
    const waits = async (): Promise<void> => {
      while (visits.isAwaited(spare)) {
        await visits.news(spare, 60_000, never)
        wakes++
      }
    }
    const over = waits()
    const part = async (host: typeof kimi, afterMs: number): Promise<number> => {
      await clock.advance(afterMs)
      visits.heard(host)
      await clock.advance(0)
      return wakes
    }
    for (let i = 0; i < 100; i++) expect(await part(kimi, 100)).toBe(0)
    expect(await part(kimi, 10_000)).toBe(0)
    expect(await part(kimi, 10_001)).toBe(1)
    expect(await part(spare, 100)).toBe(2)
    await over
    expect(clock.now()).toBe(30_101)
  })

  it('is awaited by nobody who has left', async () => {
    const { clock, news } = open()
    const leaver = new AbortController()
    const left = news(leaver.signal)
    leaver.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    expect(clock.pendingTimers).toBe(0)
    expect(getEventListeners(leaver.signal, 'abort')).toEqual([])
  })
})
