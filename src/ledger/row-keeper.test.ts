// Rows and a disk that fails: answers go on, rows are kept and written later, and what cannot be counted is not begun.

import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { storeFault } from '../store/store-fault.ts'
import { ledgerEntryOf } from './ledger-entry-of.ts'
import { type RowEvent, RowKeeper } from './row-keeper.ts'

function createKeeper(keptMax = 10) {
  const clock = new VirtualClock()
  const events: RowEvent[] = []
  const saved: string[] = []
  const disk: { fault: 'full' | 'conflict' | 'broken' | null } = { fault: null }
  const keeper = new RowKeeper({
    clock,
    keptMax,
    emit: (event) => events.push(event),
    ledger: {
      async record({ attemptId }) {
        if (disk.fault !== null) throw storeFault(disk.fault, 'exai.db')
        if (attemptId.startsWith('odd')) throw storeFault('broken', 'exai.db', 'too large to bind')
        if (!saved.includes(attemptId)) saved.push(attemptId)
        return 5n
      },
    },
  })
  return { clock, events, saved, disk, keeper }
}

/** Seconds pass, and each look at all rows comes to its end. */
async function seconds(clock: VirtualClock, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    await clock.advance(1_000)
    await turn()
  }
}

describe('rows', () => {
  it('are safe when their record resolves', async () => {
    const { keeper, saved } = createKeeper()
    const recorded = keeper.record(ledgerEntryOf('one'))
    expect(keeper.inspect().pending).toBe(1)
    await recorded
    expect(saved).toEqual(['one'])
    expect(keeper.inspect()).toEqual({
      state: 'well',
      fault: null,
      written: 1,
      pending: 0,
      kept: 0,
      lost: 0,
      spent: [{ provider: 'glm', model: 'glm-5.2', rows: 1, costNanoUsd: 5 }],
    })
  })

  it('are kept while the disk is full, and written in order of coming once it is not', async () => {
    const { keeper, saved, disk, clock, events } = createKeeper()
    disk.fault = 'full'
    await Promise.all([keeper.record(ledgerEntryOf('one')), keeper.record(ledgerEntryOf('two'))])
    await keeper.record(ledgerEntryOf('three'))
    await clock.advance(10_000)
    expect(keeper.inspect()).toMatchObject({ state: 'degraded', kept: 3, written: 0, spent: [] })
    expect(keeper.inspect().fault).toContain('full')
    disk.fault = null
    await clock.advance(30_000)
    expect(saved).toEqual(['one', 'two', 'three'])
    const spent = [{ rows: 3, costNanoUsd: 15 }]
    expect(keeper.inspect()).toMatchObject({ state: 'well', fault: null, kept: 0, written: 3, spent })
    expect(events).toMatchObject([
      {
        type: 'ledger-degraded',
        message: expect.stringMatching(/full.*in memory alone, and lost if the process is killed/),
      },
      { type: 'ledger-recovered', rows: 3 },
    ])
  })

  it('beyond the bound let no new work begin, and twice that many are given up, told one by one', async () => {
    const { keeper, disk, events, clock } = createKeeper(2)
    disk.fault = 'full'
    keeper.assertRoom()
    for (const name of ['1', '2', '3', '4', '5']) await keeper.record(ledgerEntryOf(name))
    expect(() => keeper.assertRoom()).toThrow(/takes no new work: The disk that holds exai\.db is full/)
    expect(keeper.inspect()).toMatchObject({ kept: 4, lost: 1 })
    expect(events.at(-1)).toMatchObject({ type: 'ledger-row-lost', attemptId: '5' })
    disk.fault = null
    await clock.advance(60_000)
    keeper.assertRoom()
  })

  it('that contradict the file do not stand in the way of others', async () => {
    const { keeper, disk } = createKeeper()
    disk.fault = 'conflict'
    await keeper.record(ledgerEntryOf('odd'))
    expect(keeper.inspect()).toMatchObject({ state: 'well', lost: 1, kept: 0 })
  })

  it('do not wait behind one that alone is not taken; it is given up, which is said', async () => {
    const { keeper, saved, clock, events } = createKeeper(2)
    await keeper.record(ledgerEntryOf('odd'))
    for (const name of ['1', '2', '3']) await keeper.record(ledgerEntryOf(name))
    expect(keeper.inspect()).toMatchObject({ state: 'degraded', kept: 4 })
    await seconds(clock, 1)
    expect(saved).toEqual(['1', '2', '3'])
    expect(keeper.inspect()).toMatchObject({ state: 'well', fault: null, written: 3, kept: 1, lost: 0 })
    // The disk is well: results wait for their rows again, and new work begins.
    await keeper.record(ledgerEntryOf('4'))
    expect(saved).toContain('4')
    keeper.assertRoom()
    // Without other rows between, its failures say nothing more.
    await seconds(clock, 600)
    expect(keeper.inspect()).toMatchObject({ kept: 1, lost: 0 })
    await keeper.record(ledgerEntryOf('5'))
    await seconds(clock, 60)
    expect(keeper.inspect()).toMatchObject({ state: 'well', written: 5, kept: 0, lost: 1 })
    expect(events.map(({ type }) => type)).toEqual(['ledger-degraded', 'ledger-recovered', 'ledger-row-lost'])
    expect(events.at(-1)).toMatchObject({
      attemptId: 'odd',
      detail: expect.stringMatching(/others are written, and this one is not: too large to bind/),
    })
    expect(clock.pendingTimers).toBe(0)
  })

  it('are reached behind any number that are not taken', async () => {
    const { keeper, saved, clock } = createKeeper(1_000)
    for (let n = 0; n < 200; n++) await keeper.record(ledgerEntryOf(`odd ${n}`))
    await keeper.record(ledgerEntryOf('good'))
    await seconds(clock, 20)
    expect(saved).toEqual(['good'])
    expect(keeper.inspect()).toMatchObject({ state: 'well', written: 1 })
  })

  it('are none of them given up while the disk takes none, whatever is wrong with it', async () => {
    const { keeper, saved, disk, clock } = createKeeper(1_000)
    const names = Array.from({ length: 150 }, (_, n) => `row ${n}`)
    await keeper.record(ledgerEntryOf('before'))
    disk.fault = 'broken'
    for (const name of names) await keeper.record(ledgerEntryOf(name))
    await seconds(clock, 600)
    expect(keeper.inspect()).toMatchObject({ state: 'degraded', kept: 150, lost: 0 })
    disk.fault = null
    await seconds(clock, 90)
    expect(new Set(saved)).toEqual(new Set(['before', ...names]))
    expect(keeper.inspect()).toMatchObject({ state: 'well', kept: 0, lost: 0 })
  })

  it('are written when the server ends, past one that alone is not taken', async () => {
    const { keeper, saved, events, clock } = createKeeper()
    for (const name of ['odd', 'one', 'two']) await keeper.record(ledgerEntryOf(name))
    await keeper.close()
    expect(saved).toEqual(['one', 'two'])
    expect(keeper.inspect()).toMatchObject({ state: 'well', kept: 0, lost: 1 })
    expect(events.at(-1)).toMatchObject({ type: 'ledger-row-lost', attemptId: 'odd' })
    expect(clock.pendingTimers).toBe(0)
  })

  it('are tried once more when the server ends, and no timer is left', async () => {
    const { keeper, disk, saved, clock } = createKeeper()
    disk.fault = 'full'
    await keeper.record(ledgerEntryOf('one'))
    disk.fault = null
    await keeper.close()
    expect(saved).toEqual(['one'])
    expect(clock.pendingTimers).toBe(0)
  })
})
