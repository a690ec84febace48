import { describe, expect, it } from 'vitest'
import { Ceiling } from './ceiling.ts'

const options = { start: 10, max: 20, probeMs: 30_000, watchFirstToken: true }

describe('ceiling', () => {
  it('falls to what the vendor has just proved, and never because of a refusal alone below that', () => {
    const ceiling = new Ceiling(options)
    ceiling.refused(4, 1000)
    expect(ceiling.limit).toBe(4)
    ceiling.refused(7, 1000)
    expect(ceiling.limit).toBe(4)
    ceiling.refused(0, 1000)
    expect(ceiling.limit).toBe(1)
  })

  it('tries one more after the time it named, sooner each time it holds, and slowly again after a refusal', () => {
    const ceiling = new Ceiling({ ...options, start: 2 })
    let now = 0
    const waits: (number | null)[] = []
    for (let i = 0; i < 5; i++) {
      const waitMs = ceiling.probe(ceiling.limit, now)
      waits.push(waitMs)
      now += waitMs ?? 0
      expect(ceiling.probe(ceiling.limit, now)).toBe(0)
    }
    expect(waits).toEqual([30_000, 15_000, 7500, 7500, 7500])
    expect(ceiling.limit).toBe(7)
    ceiling.refused(6, now)
    expect(ceiling.probe(6, now)).toBe(30_000)
    expect(ceiling.probe(5, now)).toBeNull()
  })

  it('counts the time anew when demand has fallen below the limit: idle time proves nothing', () => {
    const ceiling = new Ceiling({ ...options, start: 2 })
    ceiling.loaded(2, 0)
    ceiling.loaded(1, 20_000)
    ceiling.loaded(2, 600_000)
    expect(ceiling.probe(2, 610_000)).toBe(20_000)
    const fresh = new Ceiling({ ...options, start: 1 })
    expect(fresh.probe(1, 600_000)).toBe(30_000)
  })

  /** When the next three more may come, while two are taken. */
  const raisesMs = (ceiling: Ceiling, now: number, taken = 2) => [...ceiling.raisesMs(taken, now)].slice(0, 3)

  it('foresees when each probe may come, from when the limit was reached', () => {
    const ceiling = new Ceiling({ ...options, start: 2 })
    expect([...ceiling.raisesMs(2, 500)].slice(0, 5)).toEqual([30_000, 45_000, 52_500, 60_000, 67_500])
    ceiling.loaded(2, 1000)
    expect(raisesMs(ceiling, 21_000)).toEqual([10_000, 25_000, 32_500])
    expect(raisesMs(ceiling, 31_000)).toEqual([0, 15_000, 22_500])
    expect(raisesMs(ceiling, 99_000)).toEqual([0, 15_000, 22_500])
    expect(ceiling.probe(2, 99_000)).toBe(0)
    expect(raisesMs(ceiling, 99_000)).toEqual([15_000, 22_500, 30_000])
    ceiling.refused(2, 99_000)
    expect(raisesMs(ceiling, 99_000)).toEqual([30_000, 45_000, 52_500])
  })

  it('foresees none beyond what is configured, and none for what runs above a limit that fell', () => {
    const ceiling = new Ceiling({ ...options, start: 2, max: 5 })
    expect(raisesMs(ceiling, 0, 0)).toEqual([30_000, 45_000, 52_500])
    expect(raisesMs(ceiling, 0, 3)).toEqual([45_000, 52_500])
    expect(raisesMs(ceiling, 0, 5)).toEqual([])
  })

  it('foresees none beyond what the vendor says it takes, as long as that is believed', () => {
    const ceiling = new Ceiling({ start: 3, max: 6, probeMs: 1000, watchFirstToken: false })
    ceiling.told(4, 0)
    expect(raisesMs(ceiling, 50_000, 3)).toEqual([1000, 3_550_000, 3_550_250])
    expect(raisesMs(ceiling, 3_599_250, 3)).toEqual([1000, 1500, 1750])
    expect(raisesMs(ceiling, 3_598_500, 3)).toEqual([1000, 1500, 1750])
    expect(raisesMs(ceiling, 3_598_499, 3)).toEqual([1000, 1501, 1751])
  })

  it('never asks for more than is configured', () => {
    const ceiling = new Ceiling({ ...options, max: 10 })
    expect(ceiling.probe(10, 1e9)).toBeNull()
  })

  /** First tokens that come one after another, while so many are in flight. */
  function answering(ceiling: Ceiling, inFlight: number) {
    let now = 0
    return (ms: number, times: number): number => {
      for (let i = 0; i < times; i++) {
        now += ms
        ceiling.loaded(inFlight, now)
        ceiling.firstToken(ms, now, 'glm-5.2')
      }
      return now
    }
  }

  it('falls by a tenth when first tokens come late, once for all that began since, and not for one slow answer', () => {
    const ceiling = new Ceiling(options)
    const answer = answering(ceiling, 10)
    answer(800, 100)
    answer(20_000, 1)
    expect(ceiling.limit).toBe(10)
    answer(800, 9)
    const now = answer(4000, 5)
    expect(ceiling.limit).toBe(9)
    // Others were on their way since before it fell.
    for (let i = 0; i < 20; i++) ceiling.firstToken(50_000, now + 1000, 'glm-5.2')
    expect(ceiling.limit).toBe(9)
    answer(100_000, 10)
    expect(ceiling.limit).toBe(8)
  })

  it('is not lowered by first tokens that come late while there is room: it is not our load they wait for', () => {
    const ceiling = new Ceiling(options)
    const answer = answering(ceiling, 9)
    answer(800, 100)
    answer(8000, 100)
    expect(ceiling.limit).toBe(10)
  })

  it('of 2 stays 2 after one verdict, and grows again as after a refusal', () => {
    const ceiling = new Ceiling({ ...options, start: 2 })
    const answer = answering(ceiling, 2)
    answer(800, 100)
    answer(4000, 5)
    expect(ceiling.limit).toBe(2)
    answer(40_000, 9)
    expect(ceiling.limit).toBe(2)
    const now = answer(400_000, 9)
    expect(ceiling.limit).toBe(1)
    expect(ceiling.probe(1, now + 30_000)).toBe(0)
    expect(ceiling.limit).toBe(2)
  })

  it('believes a vendor that names its limit more than the time of its first tokens', () => {
    const ceiling = new Ceiling(options)
    ceiling.told(10, 0)
    const answer = answering(ceiling, 10)
    answer(800, 100)
    answer(8000, 50)
    expect(ceiling.limit).toBe(10)
  })

  it('holds back twice as long with each refusal in a row, ten seconds at most, and as at first after a success', () => {
    const ceiling = new Ceiling(options)
    const pauses = Array.from({ length: 8 }, () => {
      ceiling.refused(5, 0)
      return ceiling.pauseMs
    })
    expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
    ceiling.succeeded()
    ceiling.refused(5, 0)
    expect(ceiling.pauseMs).toBe(250)
  })

  it('does not look at first tokens where it was configured', () => {
    const ceiling = new Ceiling({ ...options, watchFirstToken: false })
    const answer = answering(ceiling, 10)
    answer(800, 50)
    answer(20_000, 50)
    expect(ceiling.limit).toBe(10)
  })

  it('believes a vendor that names its limit, for an hour, unless one is configured', () => {
    const learning = new Ceiling({ start: 4, max: 1000, probeMs: 1000, watchFirstToken: false })
    expect(learning.fact(0)).toEqual({ limit: 4, source: 'learned', max: null })
    learning.told(2, 0)
    expect(learning.fact(0)).toEqual({ limit: 2, source: 'vendor', max: 2 })
    expect(learning.probe(2, 50_000)).toBeNull()
    learning.refused(1, 50_000)
    expect(learning.fact(50_000)).toEqual({ limit: 1, source: 'learned', max: 2 })
    expect(learning.probe(1, 51_000)).toBe(0)
    // The account may have been given more.
    expect(learning.probe(2, 3_600_000)).toBe(0)
    expect(learning.fact(3_600_000)).toEqual({ limit: 3, source: 'learned', max: null })
    const configured = new Ceiling({
      start: 4,
      max: 4,
      isConfigured: true,
      probeMs: 1000,
      watchFirstToken: false,
    })
    configured.told(2, 0)
    expect(configured.fact(0)).toEqual({ limit: 4, source: 'configured', max: 4 })
    configured.refused(3, 0)
    expect(configured.fact(0)).toEqual({ limit: 3, source: 'learned', max: 4 })
  })

  it('names nobody as the one who set it where it has only reached the most that is ever tried', () => {
    expect(new Ceiling({ ...options, start: 20 }).fact(0)).toEqual({
      limit: 20,
      source: 'learned',
      max: null,
    })
  })
})
