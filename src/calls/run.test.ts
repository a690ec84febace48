import { describe, expect, it } from 'vitest'
import { FrontDoor } from '../admission/front-door.ts'
import { PenaltyBox } from '../admission/penalty-box.ts'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Call, CallOptions } from './call.ts'
import type { CallEvent } from './events.ts'
import { CallRunner } from './run.ts'

const options: CallOptions = {
  identity: identityOf('local', 'window-1', { label: 'api@main' }),
  name: 'chat',
  door: 'http',
}

function open() {
  const clock = new VirtualClock()
  const events: CallEvent[] = []
  const limits = { requestsPerMinute: 600, burst: 100, concurrency: 2 }
  const frontDoor = new FrontDoor({
    clock,
    client: limits,
    principal: limits,
    clientsMax: 10,
    clientIdleMs: 1000,
  })
  const penaltyBox = new PenaltyBox(clock, 10)
  const calls = new CallRunner({
    clock,
    frontDoor,
    penaltyBox,
    callTimeoutMs: 30_000,
    abortGraceMs: 500,
    emit: (event) => events.push(event),
  })
  const idle = (): void => {
    expect(calls.inFlight).toBe(0)
    expect(frontDoor.inFlight).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  }
  return { clock, events, calls, penaltyBox, idle }
}

const untilAborted = (call: Call): Promise<never> =>
  new Promise((_, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason)))

describe('the one life of a call', () => {
  it('answers what the work answers, once, with one event, and leaves nothing', async () => {
    const { events, calls, idle } = open()
    expect(await calls.run(options, async () => 42)).toEqual({ kind: 'done', value: 42 })
    expect(events).toMatchObject([{ type: 'call-finished', failure: null, isAbandoned: false }])
    idle()
  })

  it('reports what the client itself did wrong to the penalty box, and nothing else', async () => {
    const { calls, penaltyBox, idle } = open()
    const failing = (code: FailureCode, identity = options.identity) =>
      calls.run({ ...options, identity }, () => Promise.reject(new CallFailure(code, { message: 'No.' })))
    const anonymous = { ...options.identity, client: null }
    for (let i = 0; i < 20; i++) {
      await failing('provider-error')
      await failing('not-found', anonymous)
    }
    expect(penaltyBox.standing('local\nwindow-1').isBoxed).toBe(false)
    expect(penaltyBox.standing('local\n').isBoxed).toBe(false)
    for (let i = 0; i < 10; i++) await failing('not-found')
    expect(penaltyBox.standing('local\nwindow-1')).toMatchObject({ isBoxed: true, weightFactor: 0.25 })
    idle()
  })

  it('counts what is wrong before it begins: as a call that ends at once, and as a fault of its client', () => {
    const { calls, events, penaltyBox, idle } = open()
    const boxed = (): boolean => penaltyBox.standing('local\nwindow-1').isBoxed
    const anonymous = { ...options, identity: { ...options.identity, client: null } }
    for (let i = 0; i < 20; i++) {
      expect(calls.wrong(anonymous)).toBe(null)
      calls.fault(anonymous.identity)
    }
    expect(penaltyBox.standing('local\n').isBoxed).toBe(false)
    for (let i = 0; i < 9; i++) expect(calls.wrong(options)).toBe(null)
    expect(boxed()).toBe(false)
    calls.fault(options.identity)
    expect(boxed()).toBe(true)
    for (let i = 0; i < 71; i++) expect(calls.wrong(options)).toBe(null)
    expect(calls.wrong(options)).toMatchObject({ kind: 'refusal', reason: 'rate-limited' })
    expect(events).toMatchObject([{ type: 'call-refused', refusal: { reason: 'rate-limited' } }])
    idle()
  })

  it('takes no request from anybody for what is no message', () => {
    const { calls, idle } = open()
    for (let i = 0; i < 1000; i++) calls.fault(options.identity)
    for (let i = 0; i < 100; i++) expect(calls.wrong(options)).toBe(null)
    expect(calls.wrong(options)).toMatchObject({ reason: 'rate-limited' })
    idle()
  })

  it('tells the penalty box of calls that are dropped at once, where they cost', async () => {
    const { clock, calls, penaltyBox, idle } = open()
    const boxed = (): boolean => penaltyBox.standing('local\nwindow-1').isBoxed
    const drop = async (more: Partial<CallOptions>, afterMs: number, code: FailureCode): Promise<void> => {
      const controller = new AbortController()
      const outcome = calls.run({ ...options, ...more, signal: controller.signal }, untilAborted)
      await clock.advance(afterMs)
      controller.abort(new CallFailure(code, { message: 'Never mind.' }))
      await outcome
      await clock.advance(1)
    }
    const costly = { isCostlyToDrop: true } as const
    for (let i = 0; i < 12; i++) {
      await drop({}, 10, 'cancelled')
      await drop(costly, 200, 'cancelled')
      await drop({ ...costly, door: 'websocket' }, 10, 'client-gone')
    }
    expect(boxed()).toBe(false)
    for (let i = 0; i < 5; i++) {
      await drop(costly, 10, 'cancelled')
      await drop(costly, 10, 'client-gone')
    }
    expect(boxed()).toBe(true)
    idle()
  })

  it('strikes at the deadline with a sentence that names the limit', async () => {
    const { clock, calls, idle } = open()
    const outcome = calls.run({ ...options, timeoutMs: 2000 }, untilAborted)
    await clock.advance(2000)
    expect(await outcome).toMatchObject({ kind: 'failed', failure: { code: 'deadline' } })
    expect(((await outcome) as { failure: CallFailure }).failure.message).toContain('2 seconds')
    idle()
  })

  it("passes the caller's reason to the work and back", async () => {
    const { calls, idle } = open()
    const controller = new AbortController()
    const outcome = calls.run({ ...options, signal: controller.signal }, untilAborted)
    controller.abort(new CallFailure('client-gone', { message: 'The window closed.' }))
    expect(await outcome).toMatchObject({ kind: 'failed', failure: { code: 'client-gone' } })
    idle()
  })

  it('does not begin what was cancelled before it began', async () => {
    const { calls, idle } = open()
    const outcome = await calls.run(
      { ...options, signal: AbortSignal.abort(new CallFailure('cancelled', { message: 'no' })) },
      async (call) => {
        call.signal.throwIfAborted()
        return 1
      },
    )
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'cancelled' } })
    idle()
  })

  it('answers without work that ignores its abort, and says so in the event', async () => {
    const { clock, events, calls, idle } = open()
    const outcome = calls.run({ ...options, timeoutMs: 1000 }, () => new Promise<never>(() => {}))
    await clock.advance(1500)
    expect(await outcome).toMatchObject({ kind: 'failed', failure: { code: 'deadline' } })
    expect(events).toMatchObject([{ isAbandoned: true }])
    idle()
  })

  it('turns a bug into one failure without its details, and nobody else is touched', async () => {
    const { calls, events, idle } = open()
    const neighbour = calls.run(options, async () => 'fine')
    const outcome = await calls.run(options, async () => {
      throw new TypeError('secret-key-123 is not a function')
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'internal' } })
    expect(JSON.stringify(outcome)).not.toContain('secret-key-123')
    expect(
      events.find((event) => event.type === 'call-finished' && event.failure === 'internal'),
    ).toMatchObject({
      detail: expect.stringContaining('TypeError'),
    })
    expect(await neighbour).toMatchObject({ kind: 'done' })
    idle()
  })

  it('releases everything when the work throws before its first promise', async () => {
    const { calls, idle } = open()
    const outcome = await calls.run(options, () => {
      throw new TypeError('at once')
    })
    expect(outcome).toMatchObject({ kind: 'failed', failure: { code: 'internal' } })
    idle()
  })

  it('is refused by the front door as a value', async () => {
    const { calls, events } = open()
    const controller = new AbortController()
    const running = [1, 2].map(() => calls.run({ ...options, signal: controller.signal }, untilAborted))
    expect(await calls.run(options, async () => 1)).toMatchObject({
      kind: 'refused',
      refusal: { reason: 'too-many-in-flight' },
    })
    expect(events).toMatchObject([{ type: 'call-refused' }])
    controller.abort(new CallFailure('cancelled', { message: 'no' }))
    await Promise.all(running)
  })

  it('drains: takes nothing new, lets the running end, then is idle', async () => {
    const { calls, idle } = open()
    let finish: (value: string) => void = () => {}
    const running = calls.run(
      options,
      () =>
        new Promise<string>((resolve) => {
          finish = resolve
        }),
    )
    let isDrained = false
    const drained = calls.drain().then(() => {
      isDrained = true
    })
    expect(await calls.run(options, async () => 1)).toMatchObject({
      kind: 'refused',
      refusal: { reason: 'draining' },
    })
    expect(isDrained).toBe(false)
    finish('done')
    await drained
    expect(await running).toEqual({ kind: 'done', value: 'done' })
    idle()
  })

  it('tells everybody who drains it, and not only the last', async () => {
    const { calls, idle } = open()
    const running = calls.run(options, untilAborted)
    const drained = [calls.drain(), calls.drain()]
    await Promise.all([running, calls.destroy(), ...drained])
    idle()
  })

  it('destroy waits until all have ended, and then until their callers were told', async () => {
    const { clock, calls, idle } = open()
    const steps: string[] = []
    const stubborn = calls.run(options, () => new Promise(() => undefined)).then(() => steps.push('ended'))
    const told = Promise.withResolvers<void>()
    const tell = (): Promise<void> => {
      steps.push('tell')
      return told.promise
    }
    const destroyed = calls.destroy(tell).then(() => steps.push('destroyed'))
    await clock.advance(499)
    expect(steps).toEqual([])
    await clock.advance(1)
    await stubborn
    expect(steps.toSorted()).toEqual(['ended', 'tell'])
    told.resolve()
    await destroyed
    await calls.destroy(tell)
    expect(steps).toHaveLength(3)
    idle()
  })

  it('destroy waits for no caller that does not take the news', async () => {
    const { clock, calls, idle } = open()
    const running = calls.run(options, untilAborted)
    let isDestroyed = false
    const destroyed = calls
      .destroy(() => new Promise(() => undefined))
      .then(() => {
        isDestroyed = true
      })
    await running
    await clock.advance(499)
    expect(isDestroyed).toBe(false)
    await clock.advance(1)
    await destroyed
    idle()
  })

  it('destroy ends what would not end', async () => {
    const { calls, idle } = open()
    const running = calls.run(options, untilAborted)
    await calls.destroy()
    expect(await running).toMatchObject({ kind: 'failed', failure: { code: 'draining' } })
    idle()
  })
})
