import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AccountGroups } from '../admission/account-groups.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import type { Quota } from '../admission/quota.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import { RowKeeper } from '../ledger/row-keeper.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Provider } from '../providers/provider.ts'
import { Budgets } from './budgets.ts'
import { JobDesk } from './job-desk.ts'
import { Router } from './router.ts'

const coolMs = 30_000
const draft = {
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'the same' }],
  outputTokensMax: 50,
} as const
let dataDir = ''

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'payer-turns-'))
})

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true })
})

// Windows of one key; the vendor sends the first attempt away for a while.
async function open(limits: Readonly<Record<string, number>>) {
  const clock = new VirtualClock()
  let attempts = 0
  const provider: Provider = {
    name: 'glm',
    capabilities: { jobs: new Set(['generate']), needsKey: true },
    models: [],
    async *run(_job, { onBegin }) {
      attempts++
      if (attempts === 1) {
        throw new CallFailure('rate-limited', { message: 'Later.', retryable: true, retryAfterMs: coolMs })
      }
      onBegin?.()
      yield { type: 'text-delta', text: 'answer' }
      yield { type: 'finish', reason: 'stop' }
    },
    destroy: async () => {},
  }
  const who = (client: string): Identity => identityOf('anna', client)
  const quotasOf = ({ label }: Identity): readonly Quota[] => [
    { scope: 'client', unit: 'tokens', period: 'day', limit: limits[label] ?? 1e6 },
  ]
  const budgets = await Budgets.open({ dataDir, clock, quotasOf, price: () => 0n, onFault: () => {} })
  const plan = toGroupPlan({ per: 'account', concurrency: { default: 2, byModel: {} } })
  const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
  const router = new Router(
    [
      {
        provider,
        accounts: [{ name: 'main', apiKeys: ['key'], groups }],
        defaultModel: () => 'glm-5.2',
        missing: null,
        modelPrefixes: ['glm-'],
      },
    ],
    { clock, random: () => 0.5, budgets },
  )
  const desk = new JobDesk({
    clock,
    random: () => 0.5,
    router,
    ledger: { price: () => 0n },
    rows: new RowKeeper({ clock, ledger: { record: async () => 0n } }),
    sharing: { bytesMax: 1e6, freshMs: 1, staleMs: 1, namespace: ['principal'], alone: [] },
  })
  const ask = (client: string) => {
    const leaver = new AbortController()
    const ended = desk
      .run(draft, { identity: who(client), signal: leaver.signal, deadlineAt: 240_000, progress: () => {} })
      .then(
        ({ text }) => text,
        (error: Error) => error.message,
      )
    return { ended, leave: () => leaver.abort(new CallFailure('client-gone', { message: 'gone' })) }
  }
  const spend = (client: string, inputTokens: number): void => {
    const tokens = { inputTokens, outputTokens: 0 }
    const work = { provider: 'glm', model: 'glm-5.2', operation: 'generate' } as const
    budgets.reserve(who(client), { ...work, ...tokens, expected: tokens }, 1e9)
  }
  const close = async (): Promise<void> => {
    await desk.destroy()
    await budgets.close()
  }
  return { clock, ask, spend, close, made: () => attempts }
}

it('passes over an heir who cannot pay, though nothing is set aside between two attempts', async () => {
  const { clock, ask, close, made } = await open({ poor: 1 })
  const [first, poor, bert] = [ask('first'), ask('poor'), ask('bert')]
  await clock.advance(10_000)
  first.leave()
  expect(await poor.ended).toContain('Your window (poor) may use 1 tokens a day')
  await clock.advance(coolMs)
  expect(await bert.ended).toBe('answer')
  expect(made()).toBe(2)
  await close()
})

it('goes on for the next when its payer’s quota is gone by the next attempt', async () => {
  const { clock, ask, spend, close } = await open({ poor: 1000 })
  const [poor, bert] = [ask('poor'), ask('bert')]
  await clock.advance(10_000)
  spend('poor', 999)
  await clock.advance(coolMs)
  expect(await poor.ended).toContain('Your window (poor) may use 1000 tokens a day')
  expect(await bert.ended).toBe('answer')
  await close()
})

it('gives nobody the sentence of the one who asked first and could not pay', async () => {
  const { clock, ask, close } = await open({ poor: 1 })
  const [poor, bert] = [ask('poor'), ask('bert')]
  await clock.advance(coolMs + 10_000)
  expect(await poor.ended).toContain('Your window (poor)')
  expect(await bert.ended).toBe('answer')
  await close()
})

it('tells each of those who cannot pay what bars them when nobody can', async () => {
  const { clock, ask, close } = await open({ poor: 1, broke: 2 })
  const [poor, broke] = [ask('poor'), ask('broke')]
  await clock.advance(coolMs + 10_000)
  expect(await poor.ended).toContain('Your window (poor) may use 1 tokens')
  expect(await broke.ended).toContain('Your window (broke) may use 2 tokens')
  await close()
})
