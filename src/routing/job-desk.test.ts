// The desk where tools hand in their jobs: who shares with whom, and what is made alone.

import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { LedgerEntry } from '../ledger/ledger-row.ts'
import { RowKeeper } from '../ledger/row-keeper.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { JobDesk, type SharingWish } from './job-desk.ts'
import type { JobDraft } from './job-draft.ts'
import type { JobRequest } from './router.ts'
import type { RoutedOutcome } from './vendor-site.ts'

const who = (team: string | null, principal: string, client: string): Identity =>
  identityOf(principal, client, { team })
const keep: SharingWish = { isKept: true }
const search: JobDraft = { kind: 'search', query: 'otters', count: 3 }
const generate = (temperature?: number): JobDraft => ({
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'hello' }],
  outputTokensMax: 100,
  ...(temperature === undefined ? {} : { temperature }),
})
const answer: RoutedOutcome = {
  text: 'otters',
  sources: [],
  usage: { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, reasoningTokens: 0, source: 'provider' },
  finish: 'stop',
  provider: 'glm',
  model: null,
}

function createDesk(
  namespace: readonly string[] = ['principal'],
  isDiskFull = false,
  alone: readonly string[] = [],
) {
  const clock = new VirtualClock()
  const written: LedgerEntry[] = []
  const made: JobRequest[] = []
  const priced: Parameters<Ledger['price']>[] = []
  // What the router answers, and whether it has anybody to ask.
  const router = { answer, isSetUp: true }
  const record = async (entry: LedgerEntry): Promise<bigint> => {
    if (isDiskFull) throw new Error('full')
    written.push(entry)
    return 0n
  }
  const rows = new RowKeeper({ clock, ledger: { record }, keptMax: 1 })
  const desk = new JobDesk({
    clock,
    random: () => 0.5,
    router: {
      foremost: (job) =>
        router.isSetUp
          ? {
              provider: 'glm',
              endpoint: 'https://glm',
              model: null,
              job: job.kind === 'generate' ? { ...job, model: 'glm-5.2' } : job,
              fallbacks: [],
            }
          : null,
      run: async (_draft, request) => {
        made.push(request)
        await new Promise<void>((resolve) => clock.after(10, resolve))
        if (!router.isSetUp) throw new CallFailure('not-configured', { message: 'Set GLM_KEY.' })
        return router.answer
      },
    },
    ledger: {
      price: (...args) => {
        priced.push(args)
        return 1_200_000n
      },
    },
    rows,
    sharing: { bytesMax: 1 << 20, freshMs: 600_000, staleMs: 3_600_000, namespace, alone },
  })
  const ask = async (identity: Identity, draft: JobDraft, wish: SharingWish = {}) => {
    const signal = new AbortController().signal
    const asked = desk.run(draft, { identity, signal, tool: 'web_search', progress: () => {} }, wish)
    const [settled] = await Promise.all([Promise.allSettled([asked]), clock.advance(1_000)])
    if (settled[0].status === 'rejected') throw settled[0].reason
    return settled[0].value
  }
  return { clock, desk, ask, made, priced, router, rows, written }
}

describe('the desk', () => {
  it('says what an answer from the cache saved, and writes its row at no cost', async () => {
    const { ask, desk, made, written } = createDesk()
    expect(await ask(who(null, 'ada', '1'), search, keep)).toMatchObject({ shared: null, savedNanoUsd: null })
    expect(await ask(who(null, 'ada', '2'), search, keep)).toMatchObject({
      shared: { kind: 'cached', isStale: false },
      savedNanoUsd: 1_200_000n,
    })
    expect(made).toHaveLength(1)
    expect(written).toMatchObject([{ outcome: 'cached', client: '2', savedNanoUsd: 1_200_000n }])
    expect(desk.inspect().cache).toMatchObject({ hits: 1, misses: 1, answers: 1 })
  })

  it('prices what an answer saved by its own tokens; a search is paid though nobody counts any, and a model is not', async () => {
    const { ask, clock, priced, router, written } = createDesk()
    const [one, two] = [who(null, 'ada', '1'), who(null, 'ada', '2')]
    await ask(one, generate(0))
    expect((await ask(two, generate(0))).savedNanoUsd).toBe(1_200_000n)
    expect(priced.at(-1)).toEqual([
      { provider: 'glm', model: null, operation: 'generate' },
      answer.usage,
      clock.wallMs() - 1_000,
    ])
    router.answer = { ...answer, usage: null }
    await ask(one, search, keep)
    expect((await ask(two, search, keep)).savedNanoUsd).toBe(1_200_000n)
    expect(priced.at(-1)?.slice(0, 2)).toEqual([
      { provider: 'glm', model: null, operation: 'search' },
      { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 },
    ])
    const asked = { ...generate(0), outputTokensMax: 50 } as JobDraft
    const before = priced.length
    await ask(one, asked)
    expect(await ask(two, asked)).toMatchObject({ shared: { kind: 'cached' }, savedNanoUsd: null })
    expect(priced).toHaveLength(before)
    expect(written.at(-1)).toMatchObject({ savedNanoUsd: 0n })
  })

  it('says who is to be set up where nobody is, and keeps nothing of that', async () => {
    const { ask, desk, router } = createDesk()
    router.isSetUp = false
    await expect(ask(who(null, 'ada', '1'), search, keep)).rejects.toMatchObject({ code: 'not-configured' })
    expect(desk.inspect()).toMatchObject({ cache: { hits: 0, misses: 0 }, flights: { flights: 0 } })
    router.isSetUp = true
    expect(await ask(who(null, 'ada', '1'), search, keep)).toMatchObject({ shared: null, savedNanoUsd: null })
  })

  it('shares in a team only where the operator named it', async () => {
    const named = createDesk(['client', 'team:red'])
    await named.ask(who('red', 'ada', '1'), search, keep)
    expect((await named.ask(who('red', 'bob', '1'), search, keep)).shared?.kind).toBe('cached')
    expect((await named.ask(who('blue', 'eve', '1'), search, keep)).shared).toBeNull()
    expect((await named.ask(who('blue', 'eve', '2'), search, keep)).shared).toBeNull()
    const odd = createDesk(['client', 'team:null'])
    await odd.ask(who(null, 'ada', '1'), search, keep)
    expect((await odd.ask(who(null, 'ada', '2'), search, keep)).shared).toBeNull()
    const silent = createDesk()
    await silent.ask(who('red', 'ada', '1'), search, keep)
    expect((await silent.ask(who('red', 'bob', '1'), search, keep)).shared).toBeNull()
  })

  it('keeps nothing that no tool chose to keep, unless its temperature is 0', async () => {
    const { ask, made } = createDesk()
    for (const draft of [generate(), generate(0.7)]) {
      await ask(who(null, 'ada', '1'), draft)
      await ask(who(null, 'ada', '1'), draft)
    }
    expect(made).toHaveLength(4)
    await ask(who(null, 'ada', '1'), generate(0))
    expect((await ask(who(null, 'ada', '2'), generate(0))).shared?.kind).toBe('cached')
    expect(made).toHaveLength(5)
  })

  it('makes identical jobs of one moment once, but not for a tool the operator named nor where one is wanted anew', async () => {
    const at = (client: string): Identity => who(null, 'ada', client)
    const shared = createDesk()
    const both = await Promise.all([shared.ask(at('1'), generate()), shared.ask(at('2'), generate())])
    expect(both.map((outcome) => outcome.shared?.kind)).toEqual([undefined, 'flight'])
    expect(both[1]?.savedNanoUsd).toBeNull()
    expect(shared.made).toHaveLength(1)
    const strangers = [shared.ask(at('1'), generate()), shared.ask(who(null, 'bob', '1'), generate())]
    await Promise.all(strangers)
    expect(shared.made).toHaveLength(3)
    const anew = { isFresh: true }
    await Promise.all([shared.ask(at('1'), generate(), anew), shared.ask(at('2'), generate(), anew)])
    expect(shared.made).toHaveLength(5)
    const apart = createDesk(['principal'], false, ['web_search'])
    await Promise.all([apart.ask(at('1'), generate()), apart.ask(at('2'), generate())])
    expect(apart.made).toHaveLength(2)
  })

  it('begins no work that could not be counted', async () => {
    const { ask, rows, clock } = createDesk(['principal'], true)
    await rows.record({ ...({} as LedgerEntry), attemptId: 'kept' })
    await expect(ask(who(null, 'ada', '1'), search)).rejects.toThrow(CallFailure)
    await clock.advance(1)
  })

  it('waits for the ends of what runs before it closes', async () => {
    const { clock, desk } = createDesk()
    const signal = new AbortController().signal
    const request = { identity: who(null, 'ada', '1'), signal, progress: () => {} }
    const ended = expect(desk.run(search, request)).rejects.toMatchObject({ code: 'draining' })
    let isClosed = false
    const closed = desk.destroy().then(() => {
      isClosed = true
    })
    await clock.advance(1)
    expect(isClosed).toBe(false)
    await clock.advance(20)
    await closed
    await ended
    expect(clock.pendingTimers).toBe(0)
  })
})
