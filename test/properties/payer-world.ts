// A small world around one vendor's one slot: the desk, the router, the budgets and the rows as they are written, for who pays for what.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Quota } from '../../src/admission/quota.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import type { LedgerEntry } from '../../src/ledger/ledger-row.ts'
import type { Provider } from '../../src/providers/provider.ts'
import type { JobDraft } from '../../src/routing/job-draft.ts'
import { holds, type Rooms, room } from './kit.ts'

const deskRoom = room<typeof import('../../src/routing/job-desk.ts')>('routing/job-desk.ts')
const routerRoom = room<typeof import('../../src/routing/router.ts')>('routing/router.ts')
const entryRoom = room<typeof import('../../src/routing/ledger-entry.ts')>('routing/ledger-entry.ts')
const budgetRoom = room<typeof import('../../src/routing/budgets.ts')>('routing/budgets.ts')
const rowRoom = room<typeof import('../../src/ledger/row-keeper.ts')>('ledger/row-keeper.ts')
const groupRoom = room<typeof import('../../src/admission/account-groups.ts')>('admission/account-groups.ts')
const planRoom = room<typeof import('../../src/admission/group-plan.ts')>('admission/group-plan.ts')
const failures = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

/** Weights of those who ask, by name; `poor` has a quota in which nothing fits, `carl` has none. */
export const weights: Readonly<Record<string, number>> = { anna: 1, bert: 2, carl: 4, poor: 3 }
/** What the vendor counts for a job. */
export const tokensTaken = 100
/** How long it takes, in milliseconds. */
export const serviceMs = 10_000
// Longer than what one deadline and its grace leave of a reservation.
const longMs = 200_000

/** A window of somebody in the one team. */
export const who = (principal: string, client: string): Identity =>
  identityOf(principal, client, { team: 'blue' })
const draft = (content: string): JobDraft => ({
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content }],
  outputTokensMax: 50,
})

/** Runs `check` in it and takes it down, also after a failure: a write that came late would hide the reason. */
export async function inPayerWorld(
  rooms: Rooms,
  seed: number,
  check: (world: Awaited<ReturnType<typeof openPayerWorld>>) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'payer-'))
  const world = await openPayerWorld(rooms, seed, dataDir)
  try {
    await check(world)
  } finally {
    const destroyed = world.desk.destroy()
    await world.clock.advance(60_000)
    await destroyed
    await world.budgets.close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function openPayerWorld(rooms: Rooms, seed: number, dataDir: string) {
  const { JobDesk } = await rooms.load(deskRoom)
  const { Router } = await rooms.load(routerRoom)
  const { toLedgerEntry } = await rooms.load(entryRoom)
  const { Budgets } = await rooms.load(budgetRoom)
  const { RowKeeper } = await rooms.load(rowRoom)
  const { AccountGroups } = await rooms.load(groupRoom)
  const { toGroupPlan } = await rooms.load(planRoom)
  const { CallFailure } = await rooms.load(failures)
  const { VirtualClock } = await rooms.load(clocks)
  const { createSeededRandom } = await rooms.load(dice)
  const clock = new VirtualClock()
  const random = createSeededRandom(seed)
  const plan = toGroupPlan({ per: 'account', concurrency: { default: 1, byModel: {} } })
  const groups = new AccountGroups('glm/main', plan, clock, random)
  const provider: Provider = {
    name: 'glm',
    capabilities: { jobs: new Set(['generate']), needsKey: true },
    models: [],
    async *run(job, { signal, onBegin }) {
      onBegin?.()
      const isLong = job.kind === 'generate' && job.messages[0]?.content === 'long'
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(isLong ? longMs : serviceMs, resolve)
        signal.addEventListener('abort', () => {
          timer.cancel()
          reject(signal.reason)
        })
      })
      yield { type: 'text-delta', text: 'answer' }
      yield {
        type: 'usage',
        usage: {
          inputTokens: tokensTaken,
          cachedInputTokens: 0,
          outputTokens: 0,
          reasoningTokens: 0,
          source: 'provider',
        },
      }
      yield { type: 'finish', reason: 'stop' }
    },
    destroy: async () => {},
  }
  const quota: Quota = { scope: 'principal', unit: 'tokens', period: 'day', limit: 1e6 }
  const budgets = await Budgets.open({
    dataDir,
    clock,
    // One of them has a quota in which the smallest of jobs finds no room; another has none.
    quotasOf: ({ principal }) =>
      principal === 'carl' ? [] : [{ ...quota, limit: principal === 'poor' ? 1 : 1e6 }],
    price: () => 0n,
    onFault: (error) => holds(false, error.message),
  })
  const rows: LedgerEntry[] = []
  const keeper = new RowKeeper({
    clock,
    ledger: {
      record: async (entry) => {
        rows.push(entry)
        return 0n
      },
    },
  })
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
    {
      clock,
      random,
      budgets,
      weightOf: (name) => weights[name] ?? 1,
      record: (attempt) => keeper.record(toLedgerEntry(attempt)),
    },
  )
  const desk = new JobDesk({
    clock,
    random,
    router,
    ledger: { price: () => 0n },
    rows: keeper,
    sharing: { bytesMax: 1e6, freshMs: 1, staleMs: 1, namespace: ['team:blue'], alone: [] },
  })
  const ask = (identity: Identity, content: string, callId: string, deadlineAt = 1e9) => {
    const leaver = new AbortController()
    const request = { identity, callId, tool: 'chat', signal: leaver.signal, deadlineAt, progress: () => {} }
    const ended = desk.run(draft(content), request).then(
      () => 'answered',
      (error: { code?: string }) => error.code ?? 'unknown',
    )
    return { leave: () => leaver.abort(new CallFailure('client-gone', { message: 'gone' })), ended }
  }
  const owners = () =>
    (groups.inspect()['glm/main']?.principals ?? []).flatMap(({ name, weight, clients }) =>
      clients
        .filter(({ waiting, held }) => waiting + held > 0)
        .map((client) => ({ name, weight, client: client.name })),
    )
  const held = () => groups.inspect()['glm/main']?.held ?? 0
  const overdue = () => groups.inspect()['glm/main']?.overdue ?? 0
  return { clock, random, desk, budgets, rows, ask, owners, held, overdue }
}
