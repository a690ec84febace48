// Which key is used, and when a dead one is asked again.

import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { KeyHealth } from './key-health.ts'

const none = new Set<number>()

describe('keys', () => {
  it('are used in turn, the least busy first', () => {
    const keys = new KeyHealth({ clock: new VirtualClock() })
    const [a, b] = [keys.acquire('glm/main', 2, none), keys.acquire('glm/main', 2, none)]
    expect([a?.index, b?.index]).toEqual([0, 1])
    a?.settle('works')
    expect(keys.acquire('glm/main', 2, none)?.index).toBe(0)
  })

  it('are dead when rejected, asked once an hour, and alive when one probe works', async () => {
    const clock = new VirtualClock()
    const deaths: string[] = []
    const keys = new KeyHealth({ clock, onDeath: (name) => deaths.push(name) })
    keys.acquire('glm/main', 1, none)?.settle('rejected')
    expect(deaths).toEqual(['glm/main#0'])
    expect(keys.acquire('glm/main', 1, none)).toBeNull()
    expect(keys.waitMs('glm/main', 1)).toBe(3_600_000)
    await clock.advance(3_600_000)
    const probe = keys.acquire('glm/main', 1, none)
    expect(keys.acquire('glm/main', 1, none)).toBeNull()
    probe?.settle('unknown')
    const second = keys.acquire('glm/main', 1, none)
    second?.settle('works')
    expect(keys.inspect().dead).toEqual([])
  })

  it('all die with their account, and all come back when the operator says so', () => {
    const keys = new KeyHealth({ clock: new VirtualClock() })
    expect(keys.isUsable('glm/main', 3, none)).toBe(true)
    keys.acquire('glm/main', 3, none)?.settle('account-dead')
    expect(keys.isUsable('glm/main', 3, none)).toBe(false)
    expect(keys.isUsable('kimi/main', 1, none)).toBe(true)
    expect(keys.revive('glm/main')).toEqual(['glm/main#0', 'glm/main#1', 'glm/main#2'])
    expect(keys.isUsable('glm/main', 3, none)).toBe(true)
    expect(keys.revive()).toEqual([])
  })

  it('tried by a job are not tried again by it', () => {
    const keys = new KeyHealth({ clock: new VirtualClock() })
    expect(keys.acquire('glm/main', 2, new Set([0]))?.index).toBe(1)
    expect(keys.acquire('glm/main', 2, new Set([0, 1]))).toBeNull()
  })

  it('of equals the one used longest ago is next, also when a busier one was used before it', () => {
    const keys = new KeyHealth({ clock: new VirtualClock() })
    const order: (number | undefined)[] = []
    for (let i = 0; i < 4; i++) {
      const use = keys.acquire('glm/main', 3, none)
      order.push(use?.index)
      use?.settle('works')
    }
    expect(order).toEqual([0, 1, 2, 0])
    const held = keys.acquire('glm/main', 3, none)
    expect(held?.index).toBe(1)
    expect([0, 1, 2].map(() => keys.acquire('glm/main', 3, none)?.index)).toEqual([2, 0, 1])
  })

  it('are settled once: a second word changes nothing', () => {
    const deaths: string[] = []
    const keys = new KeyHealth({ clock: new VirtualClock(), onDeath: (name) => deaths.push(name) })
    const use = keys.acquire('glm/main', 1, none)
    use?.settle('works')
    use?.settle('rejected')
    expect(deaths).toEqual([])
    expect(keys.isUsable('glm/main', 1, none)).toBe(true)
  })

  it('die and come back each once, and are revived for one account or for all', async () => {
    const clock = new VirtualClock()
    const told: string[] = []
    const keys = new KeyHealth({
      clock,
      probeMs: 1000,
      onDeath: (name) => told.push(`dead ${name}`),
      onRevival: (name) => told.push(`back ${name}`),
    })
    for (const account of ['glm/main', 'kimi/main']) keys.acquire(account, 1, none)?.settle('rejected')
    await clock.advance(400)
    expect(keys.waitMs('glm/main', 1)).toBe(600)
    await clock.advance(600)
    const probe = keys.acquire('glm/main', 1, none)
    expect(keys.waitMs('glm/main', 1)).toBe(1000)
    probe?.settle('rejected')
    expect(told).toEqual(['dead glm/main#0', 'dead kimi/main#0'])
    keys.revive('glm/main')
    expect(keys.inspect().dead).toEqual(['kimi/main#0'])
    keys.revive()
    expect(keys.inspect().dead).toEqual([])
  })

  it('are taken least busy first, even where a busier one was used longer ago', () => {
    const keys = new KeyHealth({ clock: new VirtualClock() })
    keys.acquire('glm/main', 2, none)?.settle('works')
    expect(keys.acquire('glm/main', 2, none)?.index).toBe(1)
    keys.acquire('glm/main', 2, none)?.settle('works')
    expect(keys.acquire('glm/main', 2, none)?.index).toBe(0)
  })

  it('are probed by one attempt at a time, whatever comes of those that began while they were alive', async () => {
    const clock = new VirtualClock()
    const told: string[] = []
    const keys = new KeyHealth({ clock, probeMs: 1000, onRevival: (name) => told.push(name) })
    const acquire = () => keys.acquire('glm/main', 1, none)
    const [rejected, unknown, works] = [acquire(), acquire(), acquire()]
    rejected?.settle('rejected')
    await clock.advance(1000)
    const probe = acquire()
    expect(probe).not.toBeNull()
    unknown?.settle('unknown')
    expect(acquire()).toBeNull()
    works?.settle('works')
    expect(told).toEqual(['glm/main#0'])
    expect(keys.waitMs('glm/main', 1)).toBe(0)
    probe?.settle('works')
    expect(told).toEqual(['glm/main#0'])
  })

  it('that were revived and die again are probed an hour later, as the first time', async () => {
    const clock = new VirtualClock()
    const keys = new KeyHealth({ clock, probeMs: 1000 })
    keys.acquire('glm/main', 1, none)?.settle('rejected')
    keys.revive()
    keys.acquire('glm/main', 1, none)?.settle('rejected')
    await clock.advance(999)
    expect(keys.acquire('glm/main', 1, none)).toBeNull()
    await clock.advance(1)
    expect(keys.acquire('glm/main', 1, none)?.index).toBe(0)
  })
})
