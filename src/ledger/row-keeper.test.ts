// Rows and a disk that fails: answers go on, rows are kept and written later, and what cannot be counted is not begun.

import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { storeFault } from '../store/store-fault.ts'
import { ledgerEntryOf } from './ledger-entry-of.ts'
import { type RowEvent, RowKeeper } from './row-keeper.ts'

function createKeeper(keptMax = 10) {
  const clock = new VirtualClock()
  const events: RowEvent[] = []
  const saved: string[] = []
  const disk: { fault: 'full' | 'conflict' | null } = { fault: null }
  const keeper = new RowKeeper({
    clock,
    keptMax,
    emit: (event) => events.push(event),
    ledger: {
      async record({ attemptId }) {
        if (disk.fault !== null) throw storeFault(disk.fault, 'exai.db')
        if (!saved.includes(attemptId)) saved.push(attemptId)
        return 0n
      },
    },
  })
  return { clock, events, saved, disk, keeper }
}

describe('rows', () => {
  it('are safe when their record resolves', async () => {
    const { keeper, saved } = createKeeper()
    const recorded = keeper.record(ledgerEntryOf('one'))
    expect(keeper.inspect().pending).toBe(1)
    await recorded
    expect(saved).toEqual(['one'])
    expect(keeper.inspect()).toEqual({ state: 'well', fault: null, written: 1, pending: 0, kept: 0, lost: 0 })
  })

  it('are kept while the disk is full, and written in order of coming once it is not', async () => {
    const { keeper, saved, disk, clock, events } = createKeeper()
    disk.fault = 'full'
    await Promise.all([keeper.record(ledgerEntryOf('one')), keeper.record(ledgerEntryOf('two'))])
    await keeper.record(ledgerEntryOf('three'))
    await clock.advance(10_000)
    expect(keeper.inspect()).toMatchObject({ state: 'degraded', kept: 3, written: 0 })
    expect(keeper.inspect().fault).toContain('full')
    disk.fault = null
    await clock.advance(30_000)
    expect(saved).toEqual(['one', 'two', 'three'])
    expect(keeper.inspect()).toMatchObject({ state: 'well', fault: null, kept: 0, written: 3 })
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
