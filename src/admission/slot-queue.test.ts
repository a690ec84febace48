import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { type Slot, SlotQueue, type SlotQueueOptions } from './slot-queue.ts'

function open(over: Partial<SlotQueueOptions> = {}): { clock: VirtualClock; queue: SlotQueue } {
  const clock = new VirtualClock()
  const queue = new SlotQueue({
    name: 'glm/main',
    capacity: 1,
    waitingMax: 3,
    waitingPerClientMax: 2,
    waitMsMax: 10_000,
    clock,
    ...over,
  })
  return { clock, queue }
}

function ask(queue: SlotQueue, client: string, log: string[] = []) {
  const controller = new AbortController()
  const answer = queue.acquire({
    clientKey: client,
    signal: controller.signal,
    onPosition: (position, waiting) => log.push(`${client} ${position}/${waiting}`),
  })
  return { controller, answer }
}

async function held(answer: Promise<unknown>): Promise<Slot> {
  const slot = await answer
  if (isRefusal(slot)) throw new Error(slot.message)
  return slot as Slot
}

describe('slot queue', () => {
  it('serves in the order of arrival and tells everybody its place', async () => {
    const { queue } = open()
    const log: string[] = []
    const first = await held(ask(queue, 'a', log).answer)
    const b = ask(queue, 'b', log)
    const c = ask(queue, 'c', log)
    expect(log).toEqual(['b 1/1', 'c 2/2'])
    first.release()
    const second = await held(b.answer)
    expect(log.at(-1)).toBe('c 1/1')
    second.release()
    ;(await held(c.answer)).release()
    expect(queue.inspect()).toEqual({ capacity: 1, held: 0, waiting: 0 })
  })

  it('never lets more in than the capacity', async () => {
    const { queue } = open({ capacity: 2, waitingMax: 50, waitingPerClientMax: 50 })
    const slots = [await held(ask(queue, 'a').answer), await held(ask(queue, 'a').answer)]
    const rest = [1, 2, 3, 4].map(() => ask(queue, 'a').answer)
    for (let i = 0; i < 4; i++) {
      expect(queue.inspect().held).toBe(2)
      slots.shift()?.release()
      const next = rest.shift()
      if (next) slots.push(await held(next))
    }
    for (const slot of slots) slot.release()
    expect(queue.inspect().held).toBe(0)
  })

  it('frees the place of one who cancels, at once', async () => {
    const { queue, clock } = open()
    const first = await held(ask(queue, 'a').answer)
    const b = ask(queue, 'b')
    const c = ask(queue, 'c')
    b.controller.abort(new CallFailure('cancelled', { message: 'no longer wanted' }))
    await expect(b.answer).rejects.toMatchObject({ code: 'cancelled' })
    expect(queue.inspect().waiting).toBe(1)
    first.release()
    ;(await held(c.answer)).release()
    expect(clock.pendingTimers).toBe(0)
  })

  it('refuses when the queue or the share of one client is full, and says whose limit it was', async () => {
    const { queue } = open()
    await held(ask(queue, 'a').answer)
    ask(queue, 'a')
    ask(queue, 'a')
    expect(await ask(queue, 'a').answer).toMatchObject({ reason: 'queue-full', scope: 'client', limit: 2 })
    ask(queue, 'b')
    expect(await ask(queue, 'c').answer).toMatchObject({ reason: 'queue-full', scope: 'provider', limit: 3 })
  })

  it('does not let anybody wait beyond the limit', async () => {
    const { queue, clock } = open()
    await held(ask(queue, 'a').answer)
    const late = ask(queue, 'b').answer.catch((error: unknown) => error)
    await clock.advance(10_000)
    expect(await late).toMatchObject({ code: 'overloaded', retryable: true })
    expect(queue.inspect().waiting).toBe(0)
  })

  it('gives a slot back once, however often it is released', async () => {
    const { queue } = open()
    const slot = await held(ask(queue, 'a').answer)
    slot.release()
    slot.release()
    expect(queue.inspect().held).toBe(0)
  })

  it('keeps the slot of a request that was cut until the vendor has had time to notice', async () => {
    const { queue, clock } = open({ cutHoldMs: 100 })
    const cut = await held(ask(queue, 'a').answer)
    const next = ask(queue, 'b').answer
    cut.releaseCut()
    cut.release()
    await clock.advance(99)
    expect(queue.inspect()).toEqual({ capacity: 1, held: 1, waiting: 1 })
    await clock.advance(1)
    ;(await held(next)).release()
    expect(queue.inspect()).toEqual({ capacity: 1, held: 0, waiting: 0 })
    expect(clock.pendingTimers).toBe(0)
  })
})
