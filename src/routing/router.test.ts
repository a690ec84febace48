import { describe, expect, it } from 'vitest'
import { AccountGroups } from '../admission/account-groups.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import { PenaltyBox } from '../admission/penalty-box.ts'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { PrincipalName } from '../domain/ids.ts'
import type { Progress } from '../domain/progress.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Attempt, GenerateJob, Provider, StreamPart } from '../providers/provider.ts'
import { configuredOf, providerOf } from './configured-of.ts'
import { type AttemptRecord, type JobRequest, Router } from './router.ts'

const identity: Identity = identityOf('local', 'window-1', { label: 'api@main' })

async function* parts(...list: readonly StreamPart[]): AsyncGenerator<StreamPart> {
  yield* list
}

const says =
  (text: string): Provider['run'] =>
  () =>
    parts({ type: 'text-delta', text }, { type: 'finish', reason: 'stop' })
const draft: Omit<GenerateJob, 'model'> = {
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'hello' }],
  outputTokensMax: 100,
}

function request(signal = new AbortController().signal) {
  const seen: Progress[] = []
  return { seen, identity, signal, progress: (update: Progress) => seen.push(update) }
}

describe('router', () => {
  it('takes the first preferred provider that is set up, with its default model', async () => {
    const router = new Router([
      configuredOf({ provider: providerOf('glm', ['glm-5.2'], says('from glm')) }, []),
      configuredOf({ provider: providerOf('kimi', ['kimi-k3'], says('from kimi')) }),
    ])
    const outcome = await router.run(draft, { ...request(), prefer: ['glm', 'kimi'] })
    expect(outcome).toMatchObject({ text: 'from kimi', provider: 'kimi', model: 'kimi-k3', finish: 'stop' })
  })

  it('finds a model by name, by prefix, and by provider/model', () => {
    const router = new Router([
      configuredOf({ provider: providerOf('glm', ['glm-5.2'], says('')) }),
      configuredOf({ provider: providerOf('ollama', ['qwen3'], says('')), modelPrefixes: [] }),
    ])
    expect(router.where({ kind: 'generate', model: 'qwen3' })).toEqual({ provider: 'ollama', model: 'qwen3' })
    expect(router.where({ kind: 'generate', model: 'glm-9-new' })).toEqual({
      provider: 'glm',
      model: 'glm-9-new',
    })
    expect(router.where({ kind: 'generate', model: 'ollama/glm-5.2' })).toEqual({
      provider: 'ollama',
      model: 'glm-5.2',
    })
    expect(() => router.where({ kind: 'generate', model: 'gpt-x' })).toThrow(
      'No provider here has a model called "gpt-x"',
    )
  })

  it('says what to set when nobody can do it', async () => {
    const router = new Router([configuredOf({ provider: providerOf('glm', ['glm-5.2'], says('')) }, [])])
    await expect(router.run(draft, request())).rejects.toMatchObject({
      code: 'not-configured',
      message: expect.stringContaining('Set GLM_KEY.'),
    })
  })

  it('never has two requests at a vendor that takes one, and tells who waits', async () => {
    let running = 0
    let most = 0
    const slow = providerOf('glm', ['glm-5.2'], async function* () {
      most = Math.max(most, ++running)
      await Promise.resolve()
      yield { type: 'text-delta', text: 'x' }
      running--
      yield { type: 'finish', reason: 'stop' }
    })
    const router = new Router([configuredOf({ provider: slow })])
    const requests = [request(), request(), request()]
    await Promise.all(requests.map((each) => router.run(draft, each)))
    expect(most).toBe(1)
    expect(requests[2]?.seen[0]).toMatchObject({ kind: 'queued', position: 2, waiting: 2 })
    expect(Object.values(router.inspect())).toMatchObject([{ capacity: 1, held: 0, waiting: 0 }])
  })

  it('moves a job into the lane of its class when somebody begins to look on', async () => {
    const clock = new VirtualClock()
    const plan = toGroupPlan({ per: 'account', concurrency: { default: 1, byModel: {} } })
    const groups = new AccountGroups('glm/main', plan, clock, () => 0.5)
    const order: string[] = []
    const slow = providerOf('glm', ['glm-5.2'], async function* (job) {
      order.push(job.kind === 'generate' ? String(job.messages[0]?.content) : job.kind)
      await new Promise<void>((resolve) => clock.after(1000, resolve))
      yield { type: 'text-delta', text: 'x' }
      yield { type: 'finish', reason: 'stop' }
    })
    const accounts = [{ name: 'main', apiKeys: ['key-1'], groups }]
    const router = new Router([configuredOf({ provider: slow, accounts })], { clock })
    const ask = (content: string, over: Partial<JobRequest> = {}) =>
      router.run({ ...draft, messages: [{ role: 'user', content }] }, { ...request(), ...over })
    const about = { seen: false, move: (): void => {} }
    const refresh: JobRequest = {
      ...request(),
      get class() {
        return about.seen ? 'interactive' : 'batch'
      },
      onClass: (move) => {
        about.move = move
      },
    }
    const all = [ask('first'), ask('batch', { class: 'batch' })]
    all.push(router.run({ ...draft, messages: [{ role: 'user', content: 'refresh' }] }, refresh))
    all.push(...['live 1', 'live 2', 'live 3'].map((content) => ask(content)))
    await clock.advance(500)
    about.seen = true
    about.move()
    await clock.advance(10_000)
    await Promise.all(all)
    expect(order).toEqual(['first', 'batch', 'refresh', 'live 1', 'live 2', 'live 3'])
  })

  it('gives a principal its weight, and a window whose own faults pile up a quarter of its share', async () => {
    const clock = new VirtualClock()
    const penaltyBox = new PenaltyBox(clock, 10)
    for (let i = 0; i < 10; i++) penaltyBox.fault('local\nwindow-1')
    const seen: object[] = []
    const groups = new AccountGroups(
      'glm/main',
      toGroupPlan({ per: 'model', concurrency: { default: 1, byModel: {} } }),
      clock,
      () => 0.5,
    )
    const group = groups.groupFor('glm-5.2')
    const acquire = group.acquire.bind(group)
    group.acquire = (wish) => {
      seen.push({ client: wish.clientWeight, principal: wish.principalWeight, class: wish.class })
      return acquire(wish)
    }
    const glm = configuredOf({ provider: providerOf('glm', ['glm-5.2'], says('x')) })
    const router = new Router([{ ...glm, accounts: [{ name: 'main', apiKeys: ['key-1'], groups }] }], {
      penaltyBox,
      weightOf: (principal) => (principal === 'local' ? 4 : 1),
    })
    const other = { ...identity, principal: 'anna' as PrincipalName }
    await router.run(draft, { ...request(), identity })
    await router.run(draft, { ...request(), identity: other, class: 'batch' })
    expect(seen).toEqual([
      { client: 0.25, principal: 4, class: 'interactive' },
      { client: 1, principal: 1, class: 'batch' },
    ])
  })

  it('gives the slot back when the vendor fails, when the stream is cut, and when the caller leaves', async () => {
    const controller = new AbortController()
    const scripts: Provider['run'][] = [
      () => {
        throw new CallFailure('provider-error', { message: 'vendor down' })
      },
      () => parts({ type: 'text-delta', text: 'half' }),
      () => parts({ type: 'text-delta', text: 'half again' }),
      async function* (_job, attempt) {
        yield { type: 'text-delta', text: 'a' }
        controller.abort(new CallFailure('client-gone', { message: 'gone' }))
        attempt.signal.throwIfAborted()
      },
    ]
    const router = new Router([
      configuredOf({
        provider: providerOf('glm', ['glm-5.2'], (job, attempt) =>
          (scripts.shift() ?? says(''))(job, attempt),
        ),
      }),
    ])
    await expect(router.run(draft, request())).rejects.toMatchObject({ code: 'provider-error' })
    await expect(router.run(draft, request())).rejects.toMatchObject({ code: 'truncated' })
    await expect(router.run(draft, request(controller.signal))).rejects.toMatchObject({ code: 'client-gone' })
    expect(Object.values(router.inspect())).toMatchObject([{ capacity: 1, held: 0, waiting: 0 }])
  })

  it('expects nothing of the next job from the time of one that failed', async () => {
    const scripts: Provider['run'][] = [
      () => {
        throw new CallFailure('bad-request', { message: 'not so' })
      },
    ]
    const gate = Promise.withResolvers<void>()
    const slow: Provider['run'] = async function* () {
      await gate.promise
      yield* parts({ type: 'text-delta', text: 'late' }, { type: 'finish', reason: 'stop' })
    }
    const router = new Router([
      configuredOf({
        provider: providerOf('glm', ['glm-5.2'], (job, attempt) => (scripts.shift() ?? slow)(job, attempt)),
      }),
    ])
    await expect(router.run(draft, request())).rejects.toMatchObject({ code: 'bad-request' })
    const [first, second, third] = [request(), request(), request()]
    const running = [router.run(draft, first), router.run(draft, second)]
    await new Promise(setImmediate)
    expect(second.seen).toMatchObject([{ kind: 'queued', expectedWaitMs: null }])
    gate.resolve()
    await Promise.all(running)
    await Promise.all([router.run(draft, first), router.run(draft, third)])
    expect(third.seen[0]).toMatchObject({ kind: 'queued', expectedWaitMs: 0 })
  })

  it('uses every key of an account in turn, and never the same request id twice', async () => {
    const seen: Attempt[] = []
    const router = new Router([
      configuredOf(
        {
          provider: providerOf('glm', ['glm-5.2'], (_job, attempt) => {
            seen.push(attempt)
            return says('ok')(_job, attempt)
          }),
        },
        ['key-1', 'key-2'],
      ),
    ])
    for (let i = 0; i < 4; i++) await router.run(draft, request())
    expect(seen.map(({ apiKey }) => apiKey)).toEqual(['key-1', 'key-2', 'key-1', 'key-2'])
    expect(new Set(seen.map(({ requestId }) => requestId)).size).toBe(4)
    expect(seen[0]?.endUser).not.toContain('local')
  })

  it('leaves room for reasoning in the output cap of a model that thinks', async () => {
    const caps: number[] = []
    const thinks = providerOf('glm', ['glm-5.2', 'glm-plain'], (job, attempt) => {
      if (job.kind === 'generate') caps.push(job.outputTokensMax)
      return says('ok')(job, attempt)
    })
    const models = thinks.models.map((model, i) =>
      i === 0 ? { ...model, thinking: 'optional' as const } : model,
    )
    const router = new Router([configuredOf({ provider: { ...thinks, models } })])
    await router.run(draft, request())
    await router.run({ ...draft, thinking: 'off' }, request())
    await router.run({ ...draft, outputTokensMax: 50_000 }, request())
    await router.run(draft, { ...request(), model: 'glm-plain' })
    expect(caps).toEqual([16_384, 100, 50_000, 100])
  })

  it('falls back along a chain of the config, numbers its attempts, and waits for their rows', async () => {
    const broken: Provider['run'] = () => {
      throw new CallFailure('provider-error', { message: 'vendor down', retryable: true })
    }
    const records: AttemptRecord[] = []
    const router = new Router(
      [
        configuredOf({ provider: providerOf('glm', ['glm-5.2'], broken) }),
        configuredOf({ provider: providerOf('kimi', ['kimi-k3'], says('from kimi')) }),
      ],
      {
        names: { aliases: { fast: 'kimi-k3' }, chains: { chat: ['glm-5.2', 'fast'] } },
        record: async (record) => {
          await Promise.resolve()
          records.push(record)
        },
      },
    )
    const asked = request()
    expect(await router.run(draft, asked)).toMatchObject({ text: 'from kimi', provider: 'kimi' })
    expect(records.map(({ end }) => [end.target.provider, end.number, end.outcome])).toEqual([
      ['glm', 1, 'provider-error'],
      ['glm', 2, 'provider-error'],
      ['kimi', 3, 'done'],
    ])
    expect(asked.seen.at(-1)).toEqual({ kind: 'text', text: 'from kimi', attempt: 3 })
    await expect(router.run(draft, { ...request(), model: 'glm-5.2' })).rejects.toMatchObject({
      code: 'provider-error',
    })
  })

  it('doubles a cap that left no room for an answer, and settles what was used', async () => {
    const caps: number[] = []
    const router = new Router([
      configuredOf({
        provider: providerOf('glm', ['glm-5.2'], (job) => {
          if (job.kind === 'generate') caps.push(job.outputTokensMax)
          if (caps.length === 1)
            throw new CallFailure('empty-output', { message: 'all thought', retryable: true })
          return says('well')(job, {} as Attempt)
        }),
      }),
    ])
    expect(await router.run(draft, request())).toMatchObject({ text: 'well' })
    expect(caps).toEqual([100, 200])
    expect(Object.values(router.inspect())[0]).toMatchObject({ held: 0, waiting: 0 })
  })

  it.each(['permission-denied', 'model-unknown'] as const)(
    'asks another account for a model that one account does not get: %s',
    async (code) => {
      const clock = new VirtualClock()
      const plan = toGroupPlan({ per: 'account', concurrency: { default: 5, byModel: {} } })
      const account = (name: string) => ({
        name,
        apiKeys: [name],
        groups: new AccountGroups(`kimi/${name}`, plan, clock, () => 0.5),
      })
      const asked: (string | null)[] = []
      const kimi = providerOf('kimi', ['kimi-k3'], (job, attempt) => {
        asked.push(attempt.apiKey)
        if (attempt.apiKey === 'poor') throw new CallFailure(code, { message: 'Not found, or denied.' })
        return says('rich')(job, attempt)
      })
      let roll = 0
      const random = (): number => {
        roll = (roll + 0.37) % 1
        return roll
      }
      const accounts = [account('poor'), account('rich')]
      const router = new Router([configuredOf({ provider: kimi, accounts })], { clock, random })
      for (let job = 0; job < 20; job++) {
        expect(await router.run(draft, request())).toMatchObject({ text: 'rich' })
      }
      // Once: it is remembered, and until it is asked again the other account is asked first.
      expect(asked.filter((key) => key === 'poor')).toHaveLength(1)
    },
  )

  it('bounds the groups that invented model names could make', () => {
    const groups = new AccountGroups(
      'glm/main',
      toGroupPlan({ per: 'model', concurrency: { default: 2, byModel: { 'glm-5.3': 1 } } }),
      new VirtualClock(),
      () => 0.5,
    )
    for (let i = 0; i < 1000; i++) groups.groupFor(`invented-${i}`)
    expect(Object.keys(groups.inspect()).length).toBeLessThanOrEqual(65)
    expect(groups.groupFor('glm-5.3').inspect().capacity).toBe(1)
  })
})
