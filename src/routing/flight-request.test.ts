import { expect, it } from 'vitest'
import { Flight } from '../cache/flight.ts'
import { CallFailure } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Progress } from '../domain/progress.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { FlightRequest } from './flight-request.ts'
import type { JobRequest } from './router.ts'

const [anna, bert] = [identityOf('anna', 'window-a'), identityOf('bert', 'window-b')]
const wanted: JobRequest = {
  identity: anna,
  callId: 'call-1',
  tool: 'chat',
  signal: new AbortController().signal,
  deadlineAt: 1_000,
  model: 'glm-5.2',
  prefer: ['glm'],
  affinity: 'thread-1',
  progress: () => expect.fail('only the flight speaks to those who wait'),
}

// A flight whose work lasts until its last waiter leaves; the first waiter is who wanted it.
function open(replayBytesMax = 1_000) {
  const requests: FlightRequest[] = []
  const flight = new Flight<Progress, string>(
    { clock: new VirtualClock(), replayBytesMax, runsMax: 1 },
    (pilot) => {
      requests.push(new FlightRequest(wanted, pilot))
      return new Promise((_resolve, reject) =>
        pilot.signal.addEventListener('abort', () => reject(pilot.signal.reason)),
      )
    },
    () => {},
  )
  const heard: Progress[] = []
  const join = (more: Pick<JobRequest, 'identity'> & Partial<JobRequest>, isBackground = false) => {
    const leaves = new AbortController()
    const { identity, callId, tool, deadlineAt = 1_000 } = more
    const onPart = (part: Progress): number => heard.push(part)
    const waiter = { identity, callId, tool, deadlineAt, isBackground, signal: leaves.signal, onPart }
    const ended = flight.join(waiter).then(
      () => expect.fail('it never lands'),
      (error: unknown) => error,
    )
    return { leave: () => leaves.abort(new CallFailure('client-gone', { message: 'gone' })), ended }
  }
  const first = join(wanted)
  flight.start()
  const [request] = requests
  if (request === undefined) throw new Error('the work has not begun')
  return { flight, request, heard, join, first }
}

it('wants what the first one wanted, for whoever pays now and as long as anybody waits', async () => {
  const { flight, request, join, first } = open()
  const second = join({ identity: bert, callId: 'call-2', tool: 'review', deadlineAt: 5_000 }, true)
  expect(request).toMatchObject({ identity: anna, callId: 'call-1', tool: 'chat', class: 'interactive' })
  expect(request.deadlineAt).toBe(5_000)
  let moves = 0
  request.onClass(() => moves++)
  const charged: unknown[] = []
  request.onPayer((next) => {
    charged.push(next)
    return null
  })

  first.leave()
  expect(charged).toEqual([bert])
  expect(moves).toBe(1)
  expect(request).toMatchObject({ identity: bert, callId: 'call-2', tool: 'review', class: 'batch' })
  expect(request).toMatchObject({ model: 'glm-5.2', prefer: ['glm'], affinity: 'thread-1' })
  expect(request.signal.aborted).toBe(false)

  second.leave()
  await Promise.all([first.ended, second.ended])
  expect(request.signal.aborted).toBe(true)
  expect(flight.waiters).toBe(0)
})

it('tells him whom a quota bars so, in the words of its refusal, and stays with the one who pays', async () => {
  const { request, join, first } = open()
  const refusal = {
    kind: 'refusal',
    reason: 'rate-limited',
    scope: 'principal',
    dimension: 'tokens a day',
    limit: 1,
    used: 1,
    retryAfterMs: 5_000,
    message: 'Your key has used its tokens.',
  } as const
  request.onPayer(() => refusal)
  const barred = join({ identity: bert })
  expect(request.passOn(new CallFailure('refused', { message: 'no more' }))).toBe(false)
  expect(await barred.ended).toMatchObject({ code: 'refused', message: refusal.message, refusal })
  expect(request.identity).toBe(anna)
  first.leave()
  await first.ended
})

it('passes every part on, and counts text by its length into what is kept for those who join late', async () => {
  const { flight, request, heard, first } = open(64 + 84)
  const started: Progress = { kind: 'started', provider: 'glm', model: 'glm-5.2', attempt: 1 }
  request.progress(started)
  expect(flight.isOpen).toBe(true)
  const text: Progress = { kind: 'text', text: 'ten chars.', attempt: 1 }
  request.progress(text)
  expect(heard).toEqual([started, text])
  expect(flight.isOpen).toBe(true)
  first.leave()
  await first.ended

  const over = open(64 + 83)
  over.request.progress(started)
  over.request.progress(text)
  expect(over.heard).toHaveLength(2)
  expect(over.flight.isOpen).toBe(false)
  over.first.leave()
  await over.first.ended
})
