// Cache and flights before a job: who shares, what is kept, what is made anew.

import { describe, expect, it } from 'vitest'
import { AnswerCache } from '../cache/cache.ts'
import { Flights } from '../cache/flights.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Progress } from '../domain/progress.ts'
import type { RefusalScope } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { JobRequest } from './router.ts'
import { SharedAnswers, type SharedSubject } from './shared-answers.ts'
import type { RoutedOutcome } from './vendor-site.ts'

const who = (principal: string, client: string): Identity => identityOf(principal, client)
const subject: SharedSubject = {
  job: { kind: 'search', query: 'weather', count: 5 },
  provider: 'glm',
  endpoint: 'https://glm',
  model: null,
  adapterVersion: '1',
  scope: 'principal',
  fallbacks: [],
  isKept: true,
  isAlone: false,
  wantsNew: false,
}

function createShared() {
  const clock = new VirtualClock()
  const cache = new AnswerCache<RoutedOutcome>({
    clock,
    random: () => 0,
    bytesMax: 1 << 20,
    namespaceShare: 0.25,
    answerBytesMax: 1 << 16,
    freshMs: 600_000,
    staleMs: 3_600_000,
  })
  const flights = new Flights<Progress, RoutedOutcome>({
    clock,
    flightsMax: 10,
    replayBytesMax: 1 << 16,
    runsMax: 1,
  })
  const hits: RoutedOutcome[] = []
  const shared = new SharedAnswers({
    clock,
    cache,
    flights,
    onHit: (_request, outcome) => {
      hits.push(outcome)
    },
  })
  const made: JobRequest[] = []
  let answer: RoutedOutcome | CallFailure = outcome('first')
  const make = async (request: JobRequest): Promise<RoutedOutcome> => {
    made.push(request)
    request.progress({ kind: 'text', text: 'fir', attempt: 1 })
    await new Promise<void>((resolve) => clock.after(1_000, resolve))
    if (answer instanceof CallFailure) throw answer
    return answer
  }
  const ask = (identity = who('ada', 'window-1'), over: Partial<SharedSubject> = {}) => {
    const controller = new AbortController()
    const seen: Progress[] = []
    const request: JobRequest = {
      identity,
      signal: controller.signal,
      progress: (update) => seen.push(update),
    }
    const result = shared.run({ ...subject, ...over }, request, make).catch((error: unknown) => error)
    return { controller, seen, result }
  }
  const end = async () => {
    await clock.advance(2_000)
    expect(flights.inspect()).toEqual({ flights: 0, waiters: 0 })
    expect(cache.inspect().refreshing).toBe(0)
  }
  return {
    clock,
    made,
    hits,
    ask,
    end,
    next: (value: RoutedOutcome | CallFailure) => {
      answer = value
    },
  }
}

function outcome(text: string, over: Partial<RoutedOutcome> = {}): RoutedOutcome {
  return { text, sources: [], usage: null, finish: 'stop', provider: 'glm', model: null, ...over }
}

describe('shared answers', () => {
  it('make one job for two windows of one principal, and show the parts to both', async () => {
    const world = createShared()
    const [one, two] = [world.ask(), world.ask(who('ada', 'window-2'))]
    const stranger = world.ask(who('bob', 'window-1'))
    await world.end()
    expect(await one.result).toMatchObject({ text: 'first', shared: null })
    expect(await two.result).toMatchObject({ text: 'first', shared: { kind: 'flight' } })
    expect(await stranger.result).toMatchObject({ text: 'first', shared: null })
    expect(two.seen).toEqual(one.seen)
    expect(world.made).toHaveLength(2)
  })

  it('make one job for identical ones whose answer is not kept, and make it anew for whoever comes after', async () => {
    const world = createShared()
    const chat = { isKept: false }
    const [one, two] = [world.ask(who('ada', '1'), chat), world.ask(who('ada', '2'), chat)]
    await world.end()
    expect(await one.result).toMatchObject({ text: 'first', shared: null })
    expect(await two.result).toMatchObject({ text: 'first', shared: { kind: 'flight' } })
    expect(two.seen).toEqual(one.seen)
    const later = world.ask(who('ada', '1'), chat)
    await world.end()
    expect(await later.result).toMatchObject({ shared: null })
    expect(world.made).toHaveLength(2)
  })

  it('share no flight with a job that falls back to others: each gets only what it asked for', async () => {
    const world = createShared()
    const named = world.ask(who('ada', '1'), { isKept: false })
    const chain = world.ask(who('ada', '2'), { isKept: false, fallbacks: ['kimi/kimi-k3'] })
    await world.end()
    expect(await named.result).toMatchObject({ shared: null })
    expect(await chain.result).toMatchObject({ shared: null })
    expect(world.made).toHaveLength(2)
  })

  it('are made for each by itself where that is wanted, and still kept', async () => {
    const world = createShared()
    const alone = { isAlone: true }
    const both = [world.ask(who('ada', '1'), alone), world.ask(who('ada', '2'), alone)]
    const unkept = world.ask(who('ada', '3'), { isAlone: true, isKept: false })
    await world.end()
    for (const { result } of [...both, unkept]) expect(await result).toMatchObject({ shared: null })
    expect(world.made).toHaveLength(3)
    expect(await world.ask(who('ada', '4'), alone).result).toMatchObject({ shared: { kind: 'cached' } })
  })

  it('go on when the first caller leaves, charged to the next', async () => {
    const world = createShared()
    const [one, two] = [world.ask(), world.ask(who('ada', 'window-2'))]
    await world.clock.advance(100)
    one.controller.abort(new CallFailure('client-gone', { message: 'gone' }))
    expect(world.made[0]?.identity.client).toBe('window-2')
    expect(world.made[0]?.signal.aborted).toBe(false)
    await world.end()
    expect(await one.result).toMatchObject({ code: 'client-gone' })
    expect(await two.result).toMatchObject({ text: 'first' })
  })

  it('serve a kept answer at no cost, say its age, and never to another principal', async () => {
    const world = createShared()
    world.ask()
    await world.end()
    const again = world.ask()
    expect(await again.result).toMatchObject({
      text: 'first',
      shared: { kind: 'cached', ageMs: 1_000, isStale: false },
    })
    expect(world.hits).toHaveLength(1)
    world.ask(who('bob', 'window-1'))
    await world.end()
    expect(world.made).toHaveLength(2)
  })

  it('serve a stale answer at once and make it anew once, behind everybody', async () => {
    const world = createShared()
    world.ask()
    await world.end()
    await world.clock.advance(700_000)
    world.next(outcome('second'))
    const stale = [world.ask(), world.ask(), world.ask()]
    for (const { result } of stale)
      expect(await result).toMatchObject({ text: 'first', shared: { isStale: true } })
    await world.end()
    expect(world.made).toHaveLength(2)
    expect(world.made[1]?.class).toBe('batch')
    expect(await world.ask().result).toMatchObject({ text: 'second', shared: { isStale: false } })
  })

  it('are no longer behind everybody when somebody wants the new one: until they go', async () => {
    const world = createShared()
    world.ask()
    await world.end()
    await world.clock.advance(700_000)
    await world.ask().result
    const [, refresh] = world.made
    const classes: unknown[] = [refresh?.class]
    refresh?.onClass?.(() => classes.push(refresh.class))
    const live = world.ask(who('ada', 'window-2'), { wantsNew: true })
    live.controller.abort(new CallFailure('client-gone', { message: 'gone' }))
    await world.end()
    expect(classes).toEqual(['batch', 'interactive', 'batch'])
    expect(world.made).toHaveLength(2)
  })

  it('fall back to an old answer when a new one was wanted and the vendor failed, and say that it is old', async () => {
    const world = createShared()
    world.ask()
    await world.end()
    world.next(new CallFailure('provider-error', { message: 'down', retryable: true }))
    const wanted = world.ask(undefined, { wantsNew: true })
    await world.end()
    expect(await wanted.result).toMatchObject({ text: 'first', shared: { kind: 'cached', isStale: true } })
    world.next(new CallFailure('bad-request', { message: 'your fault' }))
    const faulty = world.ask(undefined, { wantsNew: true })
    await world.end()
    expect(await faulty.result).toMatchObject({ code: 'bad-request' })
  })

  it('fall back to an old answer when the vendor had no place in time, and not where a bound is the caller’s own', async () => {
    const world = createShared()
    world.ask()
    await world.end()
    const refused = (scope: RefusalScope): CallFailure =>
      new CallFailure('refused', {
        message: 'No place became free.',
        refusal: {
          kind: 'refusal',
          reason: 'queue-full',
          scope,
          dimension: 'jobs waiting for glm/main',
          limit: 1,
          used: 1,
          retryAfterMs: null,
          message: 'No place became free.',
        },
      })
    for (const [scope, kept] of [
      ['provider', { text: 'first', shared: { kind: 'cached', isStale: true } }],
      ['client', { code: 'refused' }],
    ] as const) {
      world.next(refused(scope))
      const wanted = world.ask(undefined, { wantsNew: true })
      await world.end()
      expect(await wanted.result).toMatchObject(kept)
    }
  })

  it('keep nothing that was cut, and nothing another model answered', async () => {
    const world = createShared()
    for (const next of [outcome('cut', { finish: 'length' }), outcome('other', { provider: 'kimi' })]) {
      world.next(next)
      world.ask()
      await world.end()
    }
    world.ask()
    await world.end()
    expect(world.made).toHaveLength(3)
  })
})
