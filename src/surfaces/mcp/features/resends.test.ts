import { beforeEach, describe, expect, test } from 'vitest'
import { LateResults } from '../../../calls/late-results.ts'
import type { Identity } from '../../../domain/identity.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import type { ClientId, PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { LineOwner } from '../asking/client-line.ts'
import type { Cancellable, Exchange, InFlight } from '../exchange.ts'
import { Resends } from './resends.ts'

const client: LineOwner = {
  line() {
    throw new Error('nobody is asked here')
  },
}

const window: Identity = identityOf('ann', 'w1')

interface Heard extends Exchange {
  readonly inFlight: InFlight
  readonly heard: string[]
}

/** An exchange of a connection of its own. */
function exchange(
  identity: Identity = window,
  id: number | string = 1,
  door: Exchange['door'] = 'websocket',
): Heard {
  const heard: string[] = []
  const hear = (json: string): void => {
    heard.push(json)
  }
  return {
    id,
    door,
    identity,
    inFlight: new Map(),
    canStream: true,
    work: null,
    heard,
    startStream: () => undefined,
    send: hear,
    sendProgress: hear,
    sendDroppable: hear,
    finish: hear,
    abandon: () => hear('abandoned'),
  }
}

const first = { _meta: { 'exai/key': 'k' } }
let clock: VirtualClock
let results: LateResults
let resends: Resends
const again = (sending = 2, instance = resends.instance): { _meta: object } => ({
  _meta: { 'exai/key': 'k', 'exai/resent-to': instance, 'exai/sending': sending },
})
const breaks = (of: Heard): void => {
  for (const work of [...of.inFlight.values()]) work.clientGone()
}
/** Begins a call; answers what it runs on, and how often it was ended. */
function begin(on: Heard, params: object = first): { run: Exchange; ends: string[] } {
  const run = resends.admit(on, { ...params }, client)
  if (run === null) throw new Error('it did not begin')
  const ends: string[] = []
  const work: Cancellable = { cancel: () => ends.push('cancel'), clientGone: () => ends.push('gone') }
  run.work = work
  return { run, ends }
}

beforeEach(() => {
  clock = new VirtualClock()
  results = new LateResults(clock, {
    keepMs: 600_000,
    charsMax: 100_000,
    charsPerOwnerMax: 10_000,
    entriesPerOwnerMax: 100,
  })
  resends = new Resends(results)
})

describe('a call that is sent again', () => {
  test('while it runs is taken up: it began once, and answers the new connection alone', () => {
    const before = exchange()
    const { run, ends } = begin(before)
    run.sendProgress('1')
    breaks(before)
    expect(resends.loose).toBe(1)
    run.sendProgress('lost')
    const after = exchange()
    expect(resends.admit(after, again(), client)).toBeNull()
    run.sendProgress('2')
    run.finish('answer')
    expect(before.heard).toEqual(['1'])
    expect(after.heard).toEqual(['2', 'answer'])
    expect([ends, resends.loose]).toEqual([[], 0])
    expect([before.inFlight.size, after.inFlight.size]).toEqual([1, 0])
  })

  test('after it has ended gets the answer that was kept, for ten minutes', async () => {
    const before = exchange()
    begin(before).run.finish('answer')
    const after = exchange()
    expect(resends.admit(after, again(), client)).toBeNull()
    expect(after.heard).toEqual(['answer'])
    await clock.advance(600_000)
    expect(clock.pendingTimers).toBe(0)
  })

  test('and never came here before begins now', () => {
    expect(resends.admit(exchange(), again(), client)).not.toBeNull()
  })

  test('to another process than had it does not begin', () => {
    const asked = exchange()
    expect(resends.admit(asked, again(2, 'another'), client)).toBeNull()
    expect(asked.heard[0]).toContain('may or may not have been done')
  })

  test('and whose answer had to make room does not begin again', () => {
    begin(exchange()).run.finish('x'.repeat(2_000_000))
    for (const params of [again(), first]) {
      const asked = exchange()
      expect(resends.admit(asked, params, client)).toBeNull()
      expect(asked.heard[0]).toContain('forgotten')
    }
  })

  test('out of a connection given up meanwhile takes nothing away from the later sending', () => {
    const late = exchange()
    const { run } = begin(late, again(2))
    const stale = exchange()
    expect(resends.admit(stale, first, client)).toBeNull()
    expect(stale.heard).toEqual(['abandoned'])
    run.finish('answer')
    expect(late.heard).toEqual(['answer'])
  })

  test('can be cancelled on its new connection', () => {
    const before = exchange()
    const { run, ends } = begin(before)
    breaks(before)
    const after = exchange()
    resends.admit(after, again(), client)
    after.inFlight.get(1)?.cancel()
    expect(ends).toEqual(['cancel'])
    run.abandon()
    expect(after.heard).toEqual(['abandoned'])
    expect(after.inFlight.size).toBe(0)
  })
})

describe('a call whose answer can be claimed by name', () => {
  /** As a `LiveCall` is: late once its client is gone. */
  function beginLate(on: Heard): { run: Exchange; told: string[] } {
    const { run } = begin(on)
    const told: string[] = []
    run.work = {
      cancel: () => told.push('cancel'),
      clientGone: () => told.push('gone'),
      clientBack: () => told.push('back'),
      answerLost: (json) => told.push(`lost ${json}`),
      outlivesReader: true,
    }
    return { run, told }
  }

  test('is late while nobody holds it, counted once, and not late any more when it is taken up', () => {
    const before = exchange()
    const { run, told } = beginLate(before)
    breaks(before)
    expect([told, resends.loose]).toEqual([['gone'], 0])
    resends.admit(exchange(), again(), client)
    run.finish('answer')
    expect(told).toEqual(['gone', 'back'])
  })

  test('hears of an answer that its last connection did not take', () => {
    const before = exchange()
    const { told } = beginLate(before)
    before.work?.answerLost?.('answer')
    expect(told).toEqual(['lost answer'])
  })

  test('is one entry under both names, and leaves the list when it is sent again', () => {
    const before = exchange()
    const { run } = beginLate(before)
    breaks(before)
    const call = { callId: 'c-1', tool: 'chat', about: '', endedAtMs: 0, isError: false }
    results.keep('ann\nw1', run.keptAs ?? '', 'answer', call)
    run.finish('answer')
    expect(results.list('ann\nw1')).toMatchObject([{ callId: 'c-1' }])
    expect(results.inspect()).toMatchObject({ results: 1, chars: 6 })
    const after = exchange()
    expect(resends.admit(after, again(), client)).toBeNull()
    expect(after.heard).toEqual(['answer'])
    expect(results.list('ann\nw1')).toEqual([])
  })
})

describe('what is another call', () => {
  test.each([
    ['of another client', { ...window, client: 'w2' as ClientId }, 1],
    ['of another principal', { ...window, principal: 'bob' as PrincipalName }, 1],
    ['with another id', window, 2],
    ['with an id of another type', window, '1'],
  ])('%s begins, and hears nothing of this one', (_what, identity, id) => {
    const mine = exchange()
    begin(mine).run.finish('mine')
    const other = exchange(identity, id)
    expect(resends.admit(other, first, client)).not.toBeNull()
    expect(other.heard).toEqual([])
  })

  test('without a key, over HTTP, or of nobody in particular runs on its own connection, as ever', () => {
    for (const [on, params] of [
      [exchange(), {}],
      [exchange(window, 1, 'http'), first],
      [exchange({ ...window, client: null }), first],
    ] as const) {
      expect(resends.admit(on, params, client)).toBe(on)
    }
  })

  test('that nobody can recognise does not begin when it is sent again', () => {
    const nobody = exchange({ ...window, client: null })
    expect(resends.admit(nobody, again(), client)).toBeNull()
    expect(nobody.heard[0]).toContain('may or may not have been done')
  })
})

test('destroy leaves no timer', () => {
  begin(exchange()).run.finish('answer')
  results.destroy()
  expect(clock.pendingTimers).toBe(0)
})

test('a call may be left to the next server where it was never sent before: only then has nobody begun it', () => {
  const asksAgain = (on: Heard): Heard => ({ ...on, isAskedAgain: true })
  expect(begin(asksAgain(exchange())).run.isAskedAgain).toBe(true)
  expect(begin(asksAgain(exchange(window, 2)), again()).run.isAskedAgain).toBe(false)
  expect(begin(exchange(window, 3)).run.isAskedAgain).toBe(false)
})
