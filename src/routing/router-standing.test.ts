// Whom the router would ask, and what it says of those that rest: for tools that choose, and for people.

import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { GenerateJob, Job } from '../providers/provider.ts'
import { breakerDefaults } from './breaker.ts'
import { accountOf, configuredOf, providerOf } from './configured-of.ts'
import { Router, type RouterOptions } from './router.ts'
import type { HealthEvent } from './target-health.ts'

const draft: Omit<GenerateJob, 'model'> = {
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'hello' }],
  outputTokensMax: 100,
}
const search: Job = { kind: 'search', query: 'otters', count: 3 }
const generate = { kind: 'generate' } as const

type Refusals = Record<string, readonly [code: FailureCode, retryAfterMs?: number]>

/** Two providers, of which the first has two accounts; whoever is named in `refuses`, by its key, fails so. */
function open(options: RouterOptions = {}, models: readonly string[] = ['glm-5.2', 'glm-plain']) {
  const clock = new VirtualClock()
  const refuses: Refusals = {}
  const provider = (name: string, ids: readonly string[]) =>
    providerOf(name, ids, async function* (_job, { apiKey }) {
      const [code, retryAfterMs] = refuses[apiKey ?? ''] ?? []
      if (code !== undefined) {
        throw new CallFailure(code, {
          message: 'No.',
          ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
        })
      }
      yield { type: 'finish', reason: 'stop' }
    })
  const account = (name: string, key: string) => accountOf(name, [key], {}, clock)
  const router = new Router(
    [
      configuredOf({ provider: provider('off', ['off-1']) }, []),
      configuredOf({
        provider: provider('glm', models),
        accounts: [account('glm/a', 'a'), account('glm/b', 'b')],
        endpoint: 'https://glm.example',
      }),
      configuredOf({ provider: provider('kimi', ['kimi-k3']), accounts: [account('kimi/main', 'k')] }),
    ],
    { clock, random: () => 0.5, ...options },
  )
  const run = async (model: string, more: { readonly deadlineAt?: number } = {}) => {
    const signal = new AbortController().signal
    const request = { identity: identityOf('ada', 'window-1'), signal, progress: () => {}, model, ...more }
    const ended = router.run(draft, request).then(
      () => 'done',
      (error: CallFailure) => error.code,
    )
    await clock.advance(0)
    return ended
  }
  /** A job that ends at once: there is no time to wait for anybody. */
  const ask = (model: string) => run(model, { deadlineAt: clock.now() + 1_000 })
  return { clock, router, refuses, run, ask }
}

describe('who would serve a wish', () => {
  it('is the first that nothing stands before, and the first of all where something stands before each', async () => {
    const { router, refuses, ask } = open()
    expect(router.where(generate)).toEqual({ provider: 'glm', model: 'glm-5.2' })
    for (const key of ['a', 'b']) refuses[key] = ['permission-denied']
    await ask('glm-5.2')
    expect(router.where(generate)).toEqual({ provider: 'kimi', model: 'kimi-k3' })
    expect(router.where({ kind: 'search' })).toEqual({ provider: 'glm', model: null })
    refuses.k = ['permission-denied']
    await ask('kimi-k3')
    expect(router.where(generate)).toEqual({ provider: 'glm', model: 'glm-5.2' })
  })

  it('is nobody where nobody is set up, and what to set is said', () => {
    const { router } = open()
    expect(router.where({ kind: 'generate', model: 'off-1' })).toEqual({
      missing: 'No provider is set up for this. Set OFF_KEY.',
    })
    expect(router.where({ kind: 'read' })).toEqual({
      missing: expect.stringContaining('No configured provider can do this (read)'),
    })
    expect(router.foremost(draft, { model: 'off-1' })).toBeNull()
  })

  it('is known with the job as it gets it, and with those after it, each model once', () => {
    const { router } = open({ names: { aliases: {}, chains: { review: ['kimi-k3', 'glm-plain'] } } })
    expect(router.foremost(draft, {})).toEqual({
      provider: 'glm',
      endpoint: 'https://glm.example',
      model: 'glm-5.2',
      job: { ...draft, model: 'glm-5.2' },
      fallbacks: ['kimi/kimi-k3'],
    })
    expect(router.foremost({ ...draft, task: 'review' }, {})).toMatchObject({
      provider: 'kimi',
      endpoint: 'kimi',
      fallbacks: ['glm/glm-plain'],
    })
    expect(router.foremost(search, { prefer: ['kimi', 'glm'] })).toEqual({
      provider: 'kimi',
      endpoint: 'kimi',
      model: null,
      job: search,
      fallbacks: ['glm/'],
    })
  })
})

describe('the standing of models', () => {
  it('names those of the config, and nobody rests at first', () => {
    expect(open().router.standing()).toEqual({ names: [], resting: [] })
    const names = { aliases: { fast: 'glm-plain' }, chains: { chat: ['glm-5.2', 'fast'] } }
    expect(open({ names }).router.standing()).toEqual({
      names: [
        { name: 'fast', models: ['glm-plain'] },
        { name: 'chat', models: ['glm-5.2', 'glm-plain'] },
      ],
      resting: [],
    })
  })

  it('says of a model that all its accounts rest, for as long as the first of them does', async () => {
    const { clock, router, refuses, ask } = open()
    const resting = () => router.standing().resting
    refuses.a = ['quota-exhausted', 90_000]
    for (let i = 0; i < 4; i++) await ask('glm-5.2')
    expect(resting()).toEqual([])
    refuses.b = ['quota-exhausted', 30_000]
    await ask('glm-5.2')
    expect(resting()).toEqual([
      { provider: 'glm', model: 'glm-5.2', says: 'glm-5.2 asked us to wait', waitMs: expect.any(Number) },
    ])
    expect(resting()[0]?.waitMs).toBeLessThan(35_000)
    await clock.advance(35_000)
    expect(resting()).toEqual([])
    refuses.b = ['quota-exhausted', 200_000]
    await ask('glm-5.2')
    expect(resting()[0]?.waitMs).toBeGreaterThan(50_000)
    expect(resting()[0]?.waitMs).toBeLessThan(65_000)
  })

  it('puts first what nobody knows the end of', async () => {
    const one = open()
    one.refuses.a = ['quota-exhausted', 90_000]
    one.refuses.b = ['permission-denied']
    for (let i = 0; i < 4; i++) await one.ask('glm-5.2')
    const says = 'glm-5.2 is not open to glm/b'
    const resting = [{ provider: 'glm', model: 'glm-5.2', says, waitMs: null }]
    expect(one.router.standing().resting).toEqual(resting)
    const other = open()
    other.refuses.a = ['permission-denied']
    other.refuses.b = ['quota-exhausted', 90_000]
    for (let i = 0; i < 4; i++) await other.ask('glm-5.2')
    expect(other.router.standing().resting).toEqual([{ ...resting[0], says: 'glm-5.2 is not open to glm/a' }])
  })

  it('is bounded, for people', async () => {
    const many = Array.from({ length: 70 }, (_, i) => `glm-${i}`)
    const aliases = Object.fromEntries(many.map((model) => [`my-${model}`, model]))
    const { router, refuses, ask } = open({ names: { aliases, chains: {} } }, many)
    for (const key of ['a', 'b']) refuses[key] = ['permission-denied']
    await ask('glm-69')
    expect(router.where({ kind: 'generate', model: 'glm-69' })).toEqual({ provider: 'glm', model: 'glm-69' })
    expect(router.standing().resting).toEqual([])
    for (const key of ['a', 'b', 'k']) refuses[key] = ['credential-rejected']
    for (const model of ['glm-0', 'kimi-k3']) await ask(model)
    const { names, resting } = router.standing()
    expect([names.length, resting.length]).toEqual([64, 64])
    expect(new Set(resting.map(({ provider }) => provider))).toEqual(new Set(['glm']))
  })
})

const healthy = { breakers: {}, ramps: {}, cooldowns: {}, deadKeys: [], failing: [], waiting: 0 }

describe('the health of targets', () => {
  it('is told as it changes, is seen with those that wait for it, and dead keys are revived', async () => {
    const events: HealthEvent[] = []
    const { clock, router, refuses, ask, run } = open({ onHealth: (event) => events.push(event) })
    expect(router.inspectHealth()).toMatchObject(healthy)
    refuses.k = ['credential-rejected']
    expect(await ask('kimi-k3')).toBe('credential-rejected')
    expect(events).toEqual([{ type: 'key-died', keyName: 'kimi/main#0' }])
    expect(router.inspectHealth()).toMatchObject({ deadKeys: ['kimi/main#0'], waiting: 0 })
    expect(router.revive('glm/a')).toEqual({ revived: [], dead: ['kimi/main#0'] })
    expect(router.revive('kimi/main')).toEqual({ revived: ['kimi/main#0'], dead: [] })
    refuses.k = ['rate-limited', 30_000]
    const waiting = run('kimi-k3', { deadlineAt: clock.now() + 200_000 })
    await clock.advance(10)
    const { cooldowns, waiting: many } = router.inspectHealth()
    expect([Object.values(cooldowns), many]).toEqual([[expect.any(Number)], 1])
    delete refuses.k
    await clock.advance(60_000)
    expect(await waiting).toBe('done')
    expect(router.inspectHealth()).toMatchObject(healthy)
  })

  it('is seen with the retries left at each provider, and with what bounds them and the breakers', async () => {
    const retries = { attempts: 4, sharePercent: 20, perMinute: 10 }
    const breaker = { ...breakerDefaults, openMs: 900 }
    const { router, refuses, ask } = open({ breaker })
    expect(router.inspectHealth()).toEqual({
      ...healthy,
      retriesLeft: { off: 10, glm: 10, kimi: 10 },
      retries,
      breaker,
    })
    refuses.a = ['unreachable']
    refuses.b = ['unreachable']
    await ask('glm-5.2')
    expect(router.inspectHealth().retriesLeft).toEqual({ off: 10, glm: 9, kimi: 10 })
    const own = { attempts: 2, sharePercent: 0, perMinute: 3 }
    expect(open({ retries: own }).router.inspectHealth()).toMatchObject({
      retriesLeft: { off: 3, glm: 3, kimi: 3 },
      retries: own,
      breaker: breakerDefaults,
    })
  })
})
