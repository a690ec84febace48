// What the router makes of a job before a vendor gets it: its model and cap, what is expected of it, whose it is, where it stays, and
// whether it may be hedged.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Quota } from '../admission/quota.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Refusal } from '../domain/refusal.ts'
import { createSeededRandom } from '../lib/random.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { GenerateJob, Job, ModelInfo, Provider, StreamPart } from '../providers/provider.ts'
import { Budgets } from './budgets.ts'
import { accountOf, configuredOf, providerOf } from './configured-of.ts'
import { type AttemptRecord, type JobRequest, Router } from './router.ts'

const ada = identityOf('ada', 'window-1')
const draft: Omit<GenerateJob, 'model'> = {
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'hello' }],
  outputTokensMax: 100,
}
const search: Job = { kind: 'search', query: 'otters', count: 3 }
const tool = { name: 'look', description: 'Looks.', parameters: {} }
const finish: StreamPart = { type: 'finish', reason: 'stop' }

const request = (more: Partial<JobRequest> = {}): JobRequest => ({
  identity: ada,
  signal: new AbortController().signal,
  progress: () => {},
  ...more,
})

async function* parts(...list: readonly StreamPart[]): AsyncGenerator<StreamPart> {
  yield* list
}

const says =
  (text: string): Provider['run'] =>
  () =>
    parts({ type: 'text-delta', text }, finish)

/** A router for the one provider `glm`, and the jobs that it got. */
function asked(more: Partial<ModelInfo> = {}, run: Provider['run'] = says('x')) {
  const jobs: Job[] = []
  const records: AttemptRecord[] = []
  const glm = providerOf('glm', ['glm-5.2'], (job, attempt) => {
    jobs.push(job)
    return run(job, attempt)
  })
  const provider = { ...glm, models: glm.models.map((model) => ({ ...model, ...more })) }
  const record = async (each: AttemptRecord): Promise<void> => {
    records.push(each)
  }
  const router = new Router([configuredOf({ provider })], { clock: new VirtualClock(), record })
  const caps = () => jobs.map((job) => (job.kind === 'generate' ? job.outputTokensMax : null))
  return { router, jobs, records, caps }
}

describe('a job', () => {
  it('gets the model of its task and keeps all else; one without a model goes as it came', async () => {
    const jobs: Job[] = []
    const records: AttemptRecord[] = []
    const provider = providerOf('glm', ['glm-5.2', 'glm-critic'], (job, attempt) => {
      jobs.push(job)
      return says('x')(job, attempt)
    })
    const router = new Router(
      [
        configuredOf({
          provider,
          defaultModel: (task) => (task === 'review' ? 'glm-critic' : 'glm-5.2'),
        }),
      ],
      { record: async (each) => void records.push(each) },
    )
    await router.run(draft, request())
    await router.run({ ...draft, task: 'review' }, request())
    await router.run(search, request())
    expect(jobs).toEqual([
      { ...draft, model: 'glm-5.2' },
      { ...draft, task: 'review', model: 'glm-critic' },
      search,
    ])
    expect(records.map(({ end, operation }) => [operation, end.outputTokensMax])).toEqual([
      ['generate', 100],
      ['generate', 100],
      ['search', null],
    ])
  })

  it('has room for reasoning at a model that always thinks, whatever it asked for', async () => {
    const { router, caps } = asked({ thinking: 'always' })
    await router.run({ ...draft, thinking: 'off' }, request())
    expect(caps()).toEqual([16_384])
  })

  it('doubles its cap no further than its model writes, and is never given less than it asked for', async () => {
    const empty: Provider['run'] = () => {
      throw new CallFailure('empty-output', { message: 'all thought', retryable: true })
    }
    const bounded = asked({ thinking: 'always', outputTokensMax: 20_000 }, empty)
    await expect(bounded.router.run(draft, request())).rejects.toMatchObject({ code: 'empty-output' })
    expect(bounded.caps()).toEqual([16_384, 20_000])
    const small = asked({ outputTokensMax: 50 }, empty)
    await expect(small.router.run(draft, request())).rejects.toMatchObject({ code: 'empty-output' })
    expect(small.caps()).toEqual([100, 100])
  })

  it('tells the vendor an id of its principal that is always the same, and says nothing of its name', async () => {
    const users: (string | undefined)[] = []
    const { router } = asked({}, (job, attempt) => {
      users.push(attempt.endUser)
      return says('x')(job, attempt)
    })
    for (const identity of [ada, identityOf('ada', 'window-2'), identityOf('bob', 'window-1')]) {
      await router.run(draft, request({ identity }))
    }
    expect(users[0]).toMatch(/^exai-[0-9a-f]{24}$/)
    expect(users[1]).toBe(users[0])
    expect(users[2]).toMatch(/^exai-[0-9a-f]{24}$/)
    expect(users[2]).not.toBe(users[0])
  })

  it('stays with its conversation at one of several accounts', async () => {
    const clock = new VirtualClock()
    const keys: (string | null)[] = []
    const glm = providerOf('glm', ['glm-5.2'], (job, { apiKey, ...attempt }) => {
      keys.push(apiKey)
      return says('x')(job, { apiKey, ...attempt })
    })
    const accounts = ['a', 'b'].map((name) => accountOf(`glm/${name}`, [name], {}, clock))
    const random = createSeededRandom(1)
    const router = new Router([configuredOf({ provider: glm, accounts })], { clock, random })
    const keysOf = async (affinity?: string) => {
      keys.length = 0
      for (let i = 0; i < 12; i++) await router.run(draft, request({ affinity }))
      return new Set(keys).size
    }
    expect(await keysOf('conversation-1')).toBe(1)
    expect(await keysOf('conversation-2')).toBe(1)
    expect(await keysOf()).toBe(2)
  })

  it('keeps its payer where the next one cannot pay, in the vendor’s queue as well', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'router-jobs-'))
    const clock = new VirtualClock()
    const quota: Quota = { scope: 'principal', unit: 'tokens', period: 'day', limit: 1 }
    const budgets = await Budgets.open({
      dataDir,
      clock,
      quotasOf: ({ principal }) => (principal === 'bob' ? [quota] : []),
      price: () => 0n,
      onFault: ({ message }) => expect.fail(message),
    })
    const gate = Promise.withResolvers<void>()
    const glm = providerOf('glm', ['glm-5.2'], async function* () {
      await gate.promise
      yield finish
    })
    const router = new Router([configuredOf({ provider: glm })], { clock, budgets })
    const payers = { charge: (_next: Identity): Refusal | null => expect.fail('nothing runs yet') }
    const onPayer = (charge: (next: Identity) => Refusal | null): void => {
      payers.charge = charge
    }
    const ended = router.run(draft, request({ onPayer }))
    await clock.advance(0)
    const holders = () =>
      Object.values(router.inspect()).flatMap(({ principals }) =>
        principals.flatMap(({ name, held }) => (held > 0 ? [name] : [])),
      )
    expect(payers.charge(identityOf('bob', 'window-3'))).toMatchObject({ kind: 'refusal' })
    expect(holders()).toEqual(['ada'])
    expect(payers.charge(identityOf('eve', 'window-4'))).toBeNull()
    expect(holders()).toEqual(['eve'])
    gate.resolve()
    await ended
    await budgets.close()
    rmSync(dataDir, { recursive: true, force: true })
  })
})

describe('the output that is expected of a job', () => {
  it('is what its tool’s jobs had at that model of late, as the vendor counted it, and its cap before', async () => {
    const clock = new VirtualClock()
    const rates = {
      requestsPerMinute: null,
      tokensPerMinute: 1_000_000,
      tokensPerDay: null,
      refundsTokens: true,
    }
    const account = accountOf('glm/main', ['key'], { per: 'account', rates }, clock)
    const left = (): number => account.groups.inspect()['glm/main']?.rates[0]?.remaining ?? 1_000_000
    const vendor: { source: 'provider' | 'estimated'; outputTokens: number; fails: boolean; seen: number } = {
      source: 'provider',
      outputTokens: 40,
      fails: false,
      seen: 0,
    }
    const glm = providerOf('glm', ['glm-5.2', 'glm-plain'], async function* () {
      vendor.seen = left()
      const { source, outputTokens, fails } = vendor
      const usage = { inputTokens: 2, outputTokens, cachedInputTokens: 0, reasoningTokens: 0, source }
      yield { type: 'usage', usage }
      if (fails) throw new CallFailure('content-filtered', { message: 'No.' })
      yield finish
    })
    const router = new Router([configuredOf({ provider: glm, accounts: [account] })], { clock })
    /** Tokens that were set aside while the job ran; its input is two. */
    const reserved = async (tool: string, model?: string, job: Job | typeof draft = draft) => {
      const before = left()
      const [ended] = await Promise.allSettled([router.run(job, request({ tool, model }))])
      expect(ended.status).toBe(vendor.fails ? 'rejected' : 'fulfilled')
      return before - vendor.seen
    }
    vendor.fails = true
    expect(await reserved('chat')).toBe(102)
    Object.assign(vendor, { fails: false, source: 'estimated' })
    expect(await reserved('chat')).toBe(102)
    vendor.source = 'provider'
    expect(await reserved('chat')).toBe(102)
    expect(await reserved('chat')).toBe(42)
    expect(await reserved('review')).toBe(102)
    expect(await reserved('chat', 'glm-plain')).toBe(102)
    expect(await reserved('web_search', undefined, search)).toBe(8_192)
    expect(await reserved('web_search', undefined, search)).toBe(40)
  })
})

describe('how long a job will probably hold its slot', () => {
  it('is what its tool’s jobs took at that model of late, and what all took before that is known', async () => {
    const clock = new VirtualClock()
    const vendor = { takesMs: 8_000, fails: false }
    const glm = providerOf('glm', ['glm-5.2'], async function* () {
      const { takesMs, fails } = vendor
      await new Promise<void>((resolve) => clock.after(takesMs, resolve))
      if (fails) throw new CallFailure('content-filtered', { message: 'No.' })
      yield { type: 'text-delta', text: 'x' }
      yield finish
    })
    const per = { per: 'account', concurrency: { default: 1, byModel: {} } } as const
    const account = accountOf('glm/main', ['key'], per, clock)
    const router = new Router([configuredOf({ provider: glm, accounts: [account] })], { clock })
    const run = (tool: string, progress: JobRequest['progress'] = () => {}) =>
      Promise.allSettled([router.run(draft, request({ tool, progress }))])
    const served = async (tool: string, times: number, takesMs: number, fails = false): Promise<void> => {
      Object.assign(vendor, { takesMs, fails })
      for (let n = 0; n < times; n++) {
        const running = run(tool)
        await clock.advance(takesMs)
        await running
      }
    }
    /** What a job is told that comes right behind one of that tool. */
    const told = async (tool: string): Promise<number | null | undefined> => {
      vendor.fails = false
      const places: (number | null)[] = []
      const first = run(tool)
      await clock.advance(0)
      const second = run('chat', (update) => {
        if (update.kind === 'queued') places.push(update.expectedWaitMs)
      })
      await clock.advance(2 * vendor.takesMs)
      await Promise.all([first, second])
      return places[0]
    }
    await served('chat', 4, 8_000)
    await served('review', 4, 80_000)
    // Four of each are enough for the mean of the group, and too few for either tool.
    expect(await told('review')).toBe(21_952)
    await served('review', 9, 90_000, true)
    expect(await told('review')).toBe(80_000)
    // Two of the chats took as long as the reviews that they came behind.
    expect(await told('chat')).toBe(11_200)
  })
})

describe('a hedge of a job', () => {
  const answeredBy = async (job: Job | typeof draft): Promise<string> => {
    const clock = new VirtualClock()
    const slow = providerOf('glm', ['glm-5.2'], async function* (_job, { signal }) {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(5_000, resolve)
        signal.addEventListener('abort', () => {
          timer.cancel()
          reject(signal.reason)
        })
      })
      yield { type: 'text-delta', text: 'late' }
      yield finish
    })
    const kimi = providerOf('kimi', ['kimi-k3'], says('soon'))
    const router = new Router(
      [slow, kimi].map((provider) =>
        configuredOf({ provider, accounts: [accountOf(`${provider.name}/main`, ['key'], {}, clock)] }),
      ),
      { clock, random: () => 0.5, hedge: { afterMs: 1_000, share: 1 } },
    )
    const [{ text }] = await Promise.all([router.run(job, request()), clock.advance(10_000)])
    expect(clock.pendingTimers).toBe(0)
    return text
  }

  it('is begun for one that may be made twice: not where tools are offered, and not for a search', async () => {
    expect(await answeredBy(draft)).toBe('soon')
    expect(await answeredBy({ ...draft, tools: [] })).toBe('soon')
    expect(await answeredBy({ ...draft, tools: [tool] })).toBe('late')
    expect(await answeredBy(search)).toBe('late')
  })
})
