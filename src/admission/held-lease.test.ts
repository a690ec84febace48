import { expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { HeldLease } from './held-lease.ts'
import { leaseRequestOf } from './lease-request-of.ts'
import { leased, openSmallGroup } from './small-group.ts'
import { newWaiter } from './waiter.ts'

const noWord = { requests: null, tokens: null, concurrency: 3 }

function open() {
  const told: string[] = []
  const never = (): Promise<null> => Promise.resolve(null)
  const waiter = newWaiter(leaseRequestOf(), 1, 0, never, never)
  const lease = new HeldLease(waiter, new VirtualClock(), 0, {
    finish: (_, isServed) => void told.push(isServed ? 'served' : 'unserved'),
    refused: () => void told.push('refused'),
    putBack: () => {
      told.push('put back')
      return new Promise(() => {})
    },
    another: never,
    anotherRequest: () => void told.push('another'),
    unbegun: (requests) => void told.push(`unbegun ${requests}`),
    firstToken: () => void told.push('first token'),
    heard: () => void told.push('heard'),
  })
  return { lease, told }
}

it('tells its group all that happens on it while it is held, and nothing of that after its end', () => {
  const { lease, told } = open()
  const use = (): void => {
    lease.anotherRequest()
    lease.unbegun(1)
    lease.heard(noWord)
  }
  use()
  lease.release()
  use()
  lease.releaseUnserved()
  expect(told).toEqual(['another', 'unbegun 1', 'heard', 'served'])
})

it('is given back once: what the vendor refused is not released, too', () => {
  const { lease, told } = open()
  void lease.refusedByVendor()
  lease.release()
  expect(() => lease.refusedByVendor()).toThrow('a lease is given back once')
  expect(told).toEqual(['put back'])
})

it('says that the vendor refused it before it ends for that, and once', () => {
  const { lease, told } = open()
  lease.releaseRefused()
  lease.releaseRefused()
  expect(told).toEqual(['refused', 'unserved'])
})

it('lets nobody ask its vendor again after its end', () => {
  const { lease } = open()
  lease.release()
  const signal = new AbortController().signal
  expect(() => lease.another({ outputTokensMax: 1, untilAt: () => 1, signal })).toThrow(
    'a lease that was given back makes no requests',
  )
})

it('changes no capacity by what is heard after its end', async () => {
  const { group } = openSmallGroup({ ceiling: { start: 5, max: 5, probeMs: 1000, watchFirstToken: false } })
  const lease = await leased(group.acquire(leaseRequestOf()))
  lease.release()
  lease.heard(noWord)
  expect(group.capacity).toBe(5)
})
