import { describe, expect, it } from 'vitest'
import { newSharer, type Sharer, VirtualTime } from './virtual-time.ts'

const joined = (level: VirtualTime<Sharer>, weight = 1): Sharer => {
  const child = newSharer(weight)
  level.join(child)
  return child
}

describe('virtual time', () => {
  it('takes the child with the least service for its weight, of equals the one that waits longest', () => {
    const level = new VirtualTime<Sharer>()
    const [first, second] = [joined(level), joined(level, 2)]
    expect(level.next).toBe(first)
    level.charge(first, 10)
    expect(level.next).toBe(second)
    level.charge(second, 10)
    expect([first.virtual, second.virtual]).toEqual([10, 5])
    expect(level.next).toBe(second)
    level.charge(second, 10)
    expect(level.next).toBe(first)
  })

  it('charges what is expected at the start and what it was at the end', () => {
    const level = new VirtualTime<Sharer>()
    const child = joined(level, 2)
    const charged = level.charge(child, 10)
    expect(child).toMatchObject({ virtual: 5, unsettled: 5, inFlight: 1 })
    level.settle(child, charged, 30)
    expect(child).toMatchObject({ virtual: 15, unsettled: 0, inFlight: 0 })
    const back = level.charge(child, 10)
    level.settle(child, back, 0)
    expect(child).toMatchObject({ virtual: 15, unsettled: 0, inFlight: 0 })
  })

  it('keeps what is expected of the jobs that still run', () => {
    const level = new VirtualTime<Sharer>()
    const child = joined(level)
    const one = level.charge(child, 10)
    level.charge(child, 7)
    level.settle(child, one, 4)
    expect(child).toMatchObject({ virtual: 11, unsettled: 7, inFlight: 1 })
  })

  it('lifts who was idle to the least that somebody waiting has really had', () => {
    const level = new VirtualTime<Sharer>()
    const busy = joined(level)
    for (let i = 0; i < 5; i++) level.settle(busy, level.charge(busy, 10), 10)
    level.charge(busy, 1000)
    expect(level.reference).toBe(50)
    expect(joined(level).virtual).toBe(50)
  })

  it('lifts who comes to an empty level to what others have had there', () => {
    const level = new VirtualTime<Sharer>()
    const gone = joined(level)
    level.settle(gone, level.charge(gone, 10), 10)
    level.settle(gone, level.charge(gone, 10), 10)
    level.leave(gone)
    expect(level.next).toBeNull()
    expect(joined(level).virtual).toBe(20)
  })

  it('rises with the service given, so that newcomers without end do not hold it down below one who stays', () => {
    const level = new VirtualTime<Sharer>()
    const stays = joined(level)
    joined(level)
    let served = 0
    for (let n = 0; n < 40; n++) {
      const { next } = level
      if (!next) break
      if (next === stays) served++
      else level.leave(next)
      level.settle(next, level.charge(next, 10), 10)
      // Two of them wait at any time, and none of them comes twice.
      if (n === 0 || next !== stays) joined(level)
    }
    expect(served).toBeGreaterThanOrEqual(12)
    expect(served).toBeLessThanOrEqual(15)
  })

  it('shares its clock out by weight among those who wait or run, and forgets who left', () => {
    const level = new VirtualTime<Sharer>()
    const [heavy, light] = [joined(level, 3), joined(level, 1)]
    level.settle(heavy, level.charge(heavy, 40), 40)
    level.raise(light, 5)
    level.raise(heavy, 5)
    expect(level.reference).toBe(10)
    level.leave(light)
    level.settle(heavy, level.charge(heavy, 30), 30)
    level.leave(heavy)
    expect(level.reference).toBe(20)
  })

  it('never lowers who is ahead, and lets who runs a job lag by one job', () => {
    const level = new VirtualTime<Sharer>()
    const ahead = newSharer(1)
    ahead.virtual = 500
    level.join(ahead)
    expect(ahead.virtual).toBe(500)
    level.leave(ahead)
    const steady = joined(level)
    level.settle(steady, level.charge(steady, 20), 20)
    level.leave(steady)
    const runs = newSharer(1)
    level.charge(runs, 0)
    level.raise(steady, 300)
    level.join(steady)
    level.join(runs)
    expect(runs.virtual).toBe(280)
  })

  it('puts who comes back with a job where it was, neither lifted nor behind its equals', () => {
    const level = new VirtualTime<Sharer>()
    const [first, second] = [joined(level), joined(level)]
    level.leave(first)
    level.rejoin(first)
    expect(level.next).toBe(first)
    expect(new Set(level.waiting)).toEqual(new Set([first, second]))
  })

  it('raises, and never lowers', () => {
    const level = new VirtualTime<Sharer>()
    const child = joined(level)
    level.raise(child, 30)
    level.raise(child, 20)
    expect(child.virtual).toBe(30)
  })
})
