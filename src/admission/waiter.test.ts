import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { leased, openSmallGroup } from './small-group.ts'
import { keepWaiting, newWaiter, stopWaiting } from './waiter.ts'

/** Somebody who may wait for 1,000 ms, or longer when `allow` says so, and what he was told. */
function open() {
  const clock = new VirtualClock()
  const controller = new AbortController()
  const request = leaseRequestOf({ signal: controller.signal })
  const waiter = newWaiter(
    request,
    100,
    0,
    () => undefined,
    () => undefined,
  )
  const told: string[] = []
  let lateAt = 1000
  const wait = (): boolean =>
    keepWaiting(waiter, clock, {
      lateAt: () => lateAt,
      onLate: () => told.push('late'),
      onAbort: () => told.push('gone'),
    })
  const allow = (untilAt: number): void => {
    lateAt = untilAt
  }
  return { clock, controller, waiter, told, wait, allow }
}

describe('whoever waits', () => {
  it('is told once when it is too late, and not before', async () => {
    const { clock, told, wait } = open()
    expect(wait()).toBe(true)
    await clock.advance(999)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual(['late'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('waits on when somebody with more time has joined it meanwhile', async () => {
    const { clock, told, wait, allow } = open()
    wait()
    allow(1500)
    await clock.advance(1499)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual(['late'])
  })

  it('hears its signal and its time while it waits, and neither from then on', async () => {
    const { clock, controller, waiter, told, wait } = open()
    wait()
    stopWaiting(waiter)
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(2000)
    controller.abort()
    expect(told).toEqual([])
    const other = open()
    other.wait()
    other.controller.abort()
    expect(other.told).toEqual(['gone'])
  })

  it('hears at once of a signal that was aborted before, and then waits for nothing', async () => {
    const { clock, controller, told, wait } = open()
    controller.abort()
    expect(wait()).toBe(false)
    expect(told).toEqual(['gone'])
    await clock.advance(2000)
    expect(told).toEqual(['gone'])
  })

  it('keeps no place when the vendor sends it back after its caller has gone', async () => {
    const { clock, group } = openSmallGroup()
    const controller = new AbortController()
    let places = 0
    const lease = await leased(
      group.acquire(leaseRequestOf({ signal: controller.signal, onPlace: () => places++ })),
    )
    controller.abort(new Error('nobody listens'))
    await expect(lease.refusedByVendor()).rejects.toThrow('nobody listens')
    expect(group.inspect()).toMatchObject({ held: 0, waiting: 0 })
    expect(places).toBe(0)
    await clock.advance(1000)
    expect(clock.pendingTimers).toBe(0)
  })
})
