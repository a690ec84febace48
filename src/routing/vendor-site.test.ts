import { expect, it } from 'vitest'
import { AccountGroups } from '../admission/account-groups.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { identityOf } from '../domain/identity-of.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Provider } from '../providers/provider.ts'
import { Router } from './router.ts'

const perDay = 1_350_000

// A vendor that counts the requested cap and the tokens of a day, and fails every request until it is well again.
function open(code: FailureCode | null, begins: boolean, requestsPerMinute = 20, leaves = true) {
  const clock = new VirtualClock()
  const plan = toGroupPlan({
    per: 'account',
    costs: 'tokens',
    concurrency: { default: 1, byModel: {} },
    rates: {
      requestsPerMinute,
      tokensPerMinute: 450_000,
      tokensPerDay: perDay,
      refundsTokens: false,
    },
  })
  const groups = new AccountGroups('kimi/main', plan, clock, () => 0.5)
  let attempts = 0
  const startedAt: number[] = []
  const provider: Provider = {
    name: 'kimi',
    capabilities: { jobs: new Set(['generate']), needsKey: true },
    models: [],
    async *run(_job, { onRequest, onBegin, signal }) {
      attempts++
      startedAt.push(clock.now())
      if (leaves) onRequest?.()
      if (begins) onBegin?.()
      if (code === null)
        await new Promise<void>((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
        })
      else throw new CallFailure(code, { message: 'No.', retryable: true })
      yield { type: 'finish', reason: 'stop' }
    },
    destroy: async () => {},
  }
  const router = new Router(
    [
      {
        provider,
        accounts: [{ name: 'main', apiKeys: ['key'], groups }],
        defaultModel: () => 'kimi-k3',
        missing: null,
        modelPrefixes: [],
      },
    ],
    { clock, random: () => 0.5 },
  )
  const run = async (): Promise<void> => {
    const request = {
      identity: identityOf('local', null, { label: 'w' }),
      signal: new AbortController().signal,
      deadlineAt: clock.now() + 60_000,
      progress: () => {},
    }
    const ended = router
      .run({ kind: 'generate', task: 'chat', messages: [], outputTokensMax: 4096 }, request)
      .catch((error: unknown) => expect(error).toBeInstanceOf(CallFailure))
    await clock.advance(120_000)
    await ended
  }
  const fact = () => router.inspect()['kimi/main']
  const left = () => fact()?.rates.find(({ unit }) => unit === 'tokens a day')?.remaining
  return { run, left, fact, attempts: () => attempts, startedAt }
}

for (const code of ['unreachable', 'rate-limited', 'overloaded', 'concurrency-limited'] as const) {
  it(`leaves the tokens of the day to jobs that the vendor works on: ${code}`, async () => {
    const { run, left, attempts, fact } = open(code, false)
    await run()
    await run()
    expect(attempts()).toBeGreaterThan(1)
    expect(left()).toBe(perDay)
    expect(fact()?.held).toBe(0)
  })
}

it('keeps what is set aside for a request that the vendor worked on and did not count', async () => {
  const { run, left, attempts } = open('truncated', true)
  await run()
  expect(left()).toBeLessThanOrEqual(perDay - attempts() * 4096)
})

it('keeps what is set aside for a request that was cut before its first word: nobody knows what the vendor did', async () => {
  const { run, left } = open(null, false)
  await run()
  expect(left()).toBeLessThanOrEqual(perDay - 4096)
})

it('gives back all that was set aside for a request that never left before it was ended', async () => {
  const { run, left, fact } = open(null, false, 20, false)
  await run()
  expect(left()).toBe(perDay)
  expect(fact()?.rates.find(({ unit }) => unit === 'requests a minute')?.remaining).toBe(20)
  expect(fact()?.held).toBe(0)
})

it('asks again when the rates have room for it, and not before', async () => {
  const { run, startedAt, fact } = open('provider-error', false, 3)
  await run()
  expect(startedAt).toEqual([0, 20_000])
  expect(fact()?.held).toBe(0)
})
