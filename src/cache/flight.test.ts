// One flight: how its waiters leave. (What any number of them get is C1, C2 and C8 in test/properties.)

import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Flight, type FlightPilot } from './flight.ts'

const ada: Identity = identityOf('ada')

describe('a flight', () => {
  it('lets all but the last leave at once, and the last when the work has ended', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const work = ({ signal }: FlightPilot<string>): Promise<string> =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          log.push('aborted')
          clock.after(500, () => {
            log.push('given back')
            reject(signal.reason)
          })
        })
      })
    const flight = new Flight<string, string>({ clock, replayBytesMax: 1_000, runsMax: 1 }, work, () => {})
    const join = (name: string): AbortController => {
      const controller = new AbortController()
      const waiter = { identity: ada, signal: controller.signal, deadlineAt: 1e9 }
      flight.join(waiter).catch(() => log.push(`${name} is told`))
      return controller
    }
    const [first, last] = [join('the first'), join('the last')]
    flight.start()
    const gone = new CallFailure('client-gone', { message: 'gone' })
    first.abort(gone)
    await clock.advance(10)
    expect(log).toEqual(['the first is told'])
    last.abort(gone)
    expect(flight.isOpen).toBe(false)
    await clock.advance(1_000)
    expect(log).toEqual(['the first is told', 'aborted', 'given back', 'the last is told'])
    expect(flight.waiters).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells its work when somebody begins to look on, and when nobody does any more', async () => {
    const clock = new VirtualClock()
    const told: boolean[] = []
    const work = (pilot: FlightPilot<string>): Promise<string> => {
      told.push(pilot.isBackground())
      pilot.onBackground(() => told.push(pilot.isBackground()))
      return new Promise((resolve) => clock.after(10_000, () => resolve('answer')))
    }
    const flight = new Flight<string, string>({ clock, replayBytesMax: 1_000, runsMax: 1 }, work, () => {})
    const join = (isBackground: boolean) => {
      const controller = new AbortController()
      const waiter = { identity: ada, signal: controller.signal, deadlineAt: 1e9, isBackground }
      return { controller, landed: flight.join(waiter).catch((error: unknown) => error) }
    }
    const refresh = join(true)
    flight.start()
    join(true)
    const live = [join(false), join(false)]
    expect(told).toEqual([true, false])
    for (const { controller } of live) controller.abort(new CallFailure('client-gone', { message: 'gone' }))
    expect(told).toEqual([true, false, true])
    await clock.advance(10_000)
    expect(await refresh.landed).toMatchObject({ answer: 'answer' })
    expect(told).toHaveLength(3)
  })
})
