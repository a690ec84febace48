// Which account, or which vendor of a chain, gets a job: the whole router over real groups, in virtual time.

import { expect, it } from 'vitest'
import { AccountGroups } from '../admission/account-groups.ts'
import type { GroupSettings } from '../admission/group-plan.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import { CallFailure } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import { createSeededRandom } from '../lib/random.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { wait } from '../lib/wait.ts'
import type { StreamPart } from '../providers/provider.ts'
import { configuredOf, providerOf } from './configured-of.ts'
import type { Account } from './route.ts'
import { Router } from './router.ts'

const slots = (most: number | null): GroupSettings => ({
  per: 'account',
  concurrency: { default: most, byModel: {} },
})

/** What a vendor does before it answers; it may throw. */
type Before = (account: string, signal: AbortSignal) => Promise<void>

function createWorld() {
  const clock = new VirtualClock()
  const random = createSeededRandom(5)
  const asked: string[] = []
  const vendor = (
    name: string,
    model: string,
    accounts: Readonly<Record<string, GroupSettings>>,
    before: Before,
  ) =>
    configuredOf({
      provider: providerOf(name, [model], async function* (_job, attempt): AsyncGenerator<StreamPart> {
        attempt.onRequest?.()
        asked.push(`${name}/${attempt.apiKey}`)
        await before(attempt.apiKey ?? '', attempt.signal)
        yield { type: 'text-delta', text: 'words' }
        yield { type: 'finish', reason: 'stop' }
      }),
      accounts: Object.entries(accounts).map(
        ([account, settings]): Account => ({
          name: account,
          apiKeys: [account],
          groups: new AccountGroups(`${name}/${account}`, toGroupPlan(settings), clock, random),
        }),
      ),
    })
  /** One call of a window: what became of it, and after how many seconds. */
  const call = async (router: Router, window: string, affinity?: string): Promise<string> => {
    const began = clock.now()
    const outcome = await router
      .run(
        {
          kind: 'generate',
          task: 'chat',
          messages: [{ role: 'user', content: 'Hello' }],
          outputTokensMax: 100,
        },
        {
          identity: identityOf('local', window),
          signal: new AbortController().signal,
          progress: () => {},
          ...(affinity === undefined ? {} : { affinity }),
        },
      )
      .then(
        ({ provider }) => provider,
        (error: unknown) => String(error),
      )
    return `${outcome} after ${Math.round((clock.now() - began) / 1000)} s`
  }
  return {
    clock,
    random,
    asked,
    vendor,
    call,
    sleep: (ms: number, signal: AbortSignal) => wait(clock, ms, signal),
  }
}

it('nobody waits for an account’s rates beside one that is idle, a conversation neither', async () => {
  for (const affinity of [undefined, 'a conversation']) {
    const { clock, random, asked, vendor, call } = createWorld()
    const settings: GroupSettings = {
      ...slots(4),
      rates: { requestsPerMinute: 6, tokensPerMinute: null, tokensPerDay: null, refundsTokens: true },
    }
    const glm = vendor('glm', 'glm-5.2', { one: settings, two: settings }, async () => {})
    const router = new Router([glm], { clock, random })
    // Each of the two has room for one in ten seconds.
    for (let i = 0; i < 12; i++) {
      const outcome = call(router, 'w1', affinity)
      await clock.advance(0)
      expect(asked).toHaveLength(i + 1)
      expect(await outcome).toBe('glm after 0 s')
      await clock.advance(5_100)
    }
    expect(new Set(asked)).toEqual(new Set(['glm/one', 'glm/two']))
  }
})

it('an endpoint that has just recovered takes what would have to wait for a full fallback', async () => {
  const { clock, random, vendor, call, sleep } = createWorld()
  let isDown = true
  const glm = vendor('glm', 'glm-5.2', { main: slots(10) }, async (_account, signal) => {
    if (isDown) throw new CallFailure('unreachable', { message: 'No.', retryable: true })
    await sleep(8_000, signal)
  })
  const kimi = vendor('kimi', 'kimi-k3', { main: slots(1) }, (_account, signal) => sleep(8_000, signal))
  const chains = { chat: ['glm-5.2', 'kimi-k3'] }
  const router = new Router([glm, kimi], { clock, random, names: { aliases: {}, chains } })
  const callAll = async (count: number): Promise<readonly string[]> => {
    const calls = Array.from({ length: count }, (_, index) =>
      call(router, `w${index}`, `conversation ${index}`),
    )
    for (let i = 0; i < 100; i++) await clock.advance(1_000)
    return Promise.all(calls)
  }
  await callAll(6)
  isDown = false
  // Three probes close the breaker.
  for (let i = 0; i < 6 && Object.keys(router.inspectHealth().breakers).length > 0; i++) {
    const probe = call(router, 'probe')
    await clock.advance(8_000)
    await probe
  }
  expect(router.inspectHealth().breakers).toEqual({})
  expect(Object.values(router.inspectHealth().ramps)).toEqual([0.1])
  const outcomes = await callAll(10)
  expect(new Set(outcomes)).toEqual(new Set(['glm after 8 s', 'kimi after 8 s']))
  expect(outcomes.filter((each) => each.startsWith('kimi'))).toHaveLength(1)
  expect(router.inspectHealth().ramps).toEqual({})
})

it('an endpoint that hangs is known by its provider’s limit, which no attempt has reached', async () => {
  for (const [firstTokenMs, isKnown] of [
    [300_000, true],
    [undefined, false],
  ] as const) {
    const { clock, random, asked, vendor, call, sleep } = createWorld()
    const glm = vendor('glm', 'glm-5.2', { main: slots(1) }, (_account, signal) => sleep(1e9, signal))
    const kimi = vendor('kimi', 'kimi-k3', { main: slots(1) }, async () => {})
    const chains = { chat: ['glm-5.2', 'kimi-k3'] }
    const limited = firstTokenMs === undefined ? glm : { ...glm, firstTokenMs }
    const options = { clock, random, names: { aliases: {}, chains } }
    const router = new Router([{ ...kimi, firstTokenMs: 1 }, limited], options)
    for (let i = 0; i < 6; i++) {
      expect(Object.keys(router.inspectHealth().breakers)).toEqual([])
      const outcome = call(router, 'w1')
      await clock.advance(160_000)
      expect(await outcome).toBe('kimi after 160 s')
    }
    expect(asked).toHaveLength(12)
    expect(Object.values(router.inspectHealth().breakers)).toEqual(isKnown ? ['open'] : [])
  }
})

it('a job that its vendor sends back goes at once to an account that is idle', async () => {
  const { clock, random, asked, vendor, call, sleep } = createWorld()
  const learned: GroupSettings = { per: 'model', concurrency: { default: null, byModel: {} } }
  // Others use the slots of the first.
  const glm = vendor('glm', 'glm-5.2', { one: learned, two: learned }, async (account, signal) => {
    if (account === 'one')
      throw new CallFailure('concurrency-limited', { message: 'Too many.', retryable: true })
    await sleep(3_000, signal)
  })
  const router = new Router([glm], { clock, random })
  const outcomes: string[] = []
  for (let i = 0; i < 40; i++) {
    const outcome = call(router, `w${i}`)
    for (let second = 0; second < 10; second++) await clock.advance(1_000)
    outcomes.push(await Promise.race([outcome, 'it waits']))
  }
  expect(new Set(outcomes)).toEqual(new Set(['glm after 3 s']))
  expect(asked).toContain('glm/one')
})
