// C9: who pays for a flight. Through the desk, the router, a vendor's one slot and the budgets, on the rows as they are written.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Quota } from '../../src/admission/quota.ts'
import type { Identity } from '../../src/domain/identity.ts'
import type { LedgerEntry } from '../../src/ledger/ledger-row.ts'
import type { Provider } from '../../src/providers/provider.ts'
import type { JobDraft } from '../../src/routing/router.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'

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

const weights: Readonly<Record<string, number>> = { anna: 1, bert: 2, carl: 4, poor: 3 }
const names = Object.keys(weights)
const tokensTaken = 100
const serviceMs = 10_000
// Longer than what one deadline and its grace leave of a reservation.
const longMs = 200_000

const who = (principal: string, client: string): Identity => ({
  team: 'blue',
  principal: principal as never,
  client: client as never,
  label: client,
  root: null,
  isLocal: true,
})
const draft = (content: string): JobDraft => ({
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content }],
  outputTokensMax: 50,
})

async function open(rooms: Rooms, seed: number, dataDir: string) {
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

/** Who pays. */
export const properties: readonly Property[] = [
  property({
    id: 'C9',
    says: 'when a flight’s payer leaves, the one who has waited longest and can pay is charged for all: place or slot, weight, quotas, row',
    mutants: [
      {
        file: 'routing/vendor-site.ts',
        find: 'slots.recharge(request, this.#owner(payer))',
        replace: 'void slots',
      },
      {
        file: 'routing/router.ts',
        find: 'const refusal = paid.chargeTo(next)',
        replace: 'const refusal = null as Refusal | null',
      },
      {
        file: 'routing/router.ts',
        find: 'weightOf?.(payer.principal)',
        replace: 'weightOf?.(identity.principal)',
      },
      {
        file: 'routing/shared-answers.ts',
        find: 'return pilot.payer.identity',
        replace: 'return request.identity',
      },
      {
        file: 'routing/shared-answers.ts',
        find: 'return pilot.payer.callId',
        replace: 'return request.callId',
      },
      { file: 'cache/flight.ts', find: '      if (bar === null) {', replace: '      {' },
      {
        file: 'admission/fair-queue.ts',
        find: "    this.#place(job, 'join')\n    if (runs)",
        replace: '    if (runs)',
      },
    ],
    async check(rooms, seed) {
      let inherited = 0
      let barred = 0
      for (let round = 0; round < 40; round++) {
        const dataDir = mkdtempSync(join(tmpdir(), 'payer-'))
        try {
          const world = await open(rooms, seed + round, dataDir)
          const { clock, random, desk, budgets, rows, ask, owners, held } = world
          // The slot is taken for a while, so that some leave a job that waits and others one that runs.
          const before = ask(who('dora', 'busy'), 'before', 'before')
          await clock.advance(1)
          const size = 2 + Math.floor(random() * 5)
          const windows = Array.from({ length: size }, (_, index) => {
            // Who cannot pay makes no flight of his own.
            const name = index === 0 ? 'anna' : (names[Math.floor(random() * names.length)] ?? '')
            return { name, client: `w${index}`, callId: `call ${index}`, leavesAt: random() * 30_000 }
          })
          const stays = Math.floor(random() * size)
          const asked = windows.map((each) => ask(who(each.name, each.client), 'shared', each.callId))
          const bars = new Set<number>()
          let payer = 0
          for (let at = 0; at < 2 * serviceMs - 10; at += 500) {
            for (const [index, { leavesAt }] of windows.entries()) {
              if (index === stays || leavesAt < at || leavesAt >= at + 500 || bars.has(index)) continue
              asked[index]?.leave()
              bars.add(index)
              if (index !== payer) continue
              const heirs = windows.map((_, each) => each).filter((each) => !bars.has(each))
              for (const heir of heirs) {
                if (windows[heir]?.name !== 'poor') {
                  payer = heir
                  inherited++
                  break
                }
                bars.add(heir)
                barred++
                const end = await Promise.race([asked[heir]?.ended, clock.advance(0)])
                holds(end === 'refused', `who cannot pay got ${end}`)
              }
            }
            await clock.advance(0)
            const [isOpen, own] = [bars.size < size, windows[payer]]
            const waits = owners().filter(({ name }) => name !== 'dora')
            const expected =
              isOpen && own ? [{ name: own.name, weight: weights[own.name], client: own.client }] : []
            holds(
              JSON.stringify(waits) === JSON.stringify(expected),
              `${JSON.stringify(waits)} is charged for a job of ${JSON.stringify(expected)}`,
            )
            if (!isOpen) break
            await clock.advance(500)
          }
          await clock.advance(60_000)
          await before.ended
          const shared = rows.filter(({ principal }) => principal !== 'dora')
          if (bars.size < size) {
            const [row] = shared
            const own = windows[payer]
            holds(shared.length === 1, `${shared.length} rows of one job`)
            holds(row?.client === own?.client && row?.callId === own?.callId, `${row?.callId} got the row`)
            const used = budgets.inspect().quotas[`principal tokens day ${own?.name}`]?.used
            holds(used === (own?.name === 'carl' ? undefined : tokensTaken), `${own?.name} has used ${used}`)
          }
          const { reservations, expired } = budgets.inspect()
          holds(reservations === 0 && expired === 0, `${reservations} reservations, ${expired} expired`)
          holds(held() === 0 && owners().length === 0, 'something waits or runs when all is over')
          await desk.destroy()
          await budgets.close()
        } finally {
          rmSync(dataDir, { recursive: true, force: true })
        }
      }
      holds(inherited > 10 && barred > 2, `only ${inherited} inherited and ${barred} could not pay`)
    },
  }),
  property({
    id: 'C10',
    says: 'a flight that grows, because who joins has more time, is no leak: neither its reservation nor its lease is overdue',
    mutants: [
      { file: 'cache/flight.ts', find: 'if (this.#payer === seat) this.#handOver()', replace: '' },
      {
        file: 'routing/vendor-site.ts',
        find: '      get deadlineAt() {\n        return work.deadlineAt\n      },',
        replace: '      deadlineAt: work.deadlineAt,',
      },
      {
        file: 'cache/flight.ts',
        find: '        if (flight.#seats.size === 0) return flight.#latestAt\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      for (const isLeft of [false, true]) {
        const dataDir = mkdtempSync(join(tmpdir(), 'payer-'))
        try {
          const { clock, desk, budgets, ask, overdue } = await open(rooms, seed, dataDir)
          const first = ask(who('anna', 'w1'), 'long', 'call 1', 60_000)
          await clock.advance(50_000)
          const second = ask(who('bert', 'w1'), 'long', 'call 2', 290_000)
          await clock.advance(100_000)
          holds((await first.ended) === 'deadline', 'the first had a minute')
          if (isLeft) second.leave()
          holds(overdue() === 0, `${overdue()} leases are overdue whose job was just given up`)
          // Any reservation sweeps out what is overdue.
          const other = ask(who('anna', 'w2'), 'other', 'call 3')
          await clock.advance(2_000)
          const { expired } = budgets.inspect()
          holds(overdue() === 0, `${overdue()} leases are overdue`)
          holds(expired === 0, `${expired} reservations were given up while their job ran`)
          await clock.advance(200_000)
          const end = await second.ended
          holds(end === (isLeft ? 'client-gone' : 'answered'), `the second got ${end}`)
          await other.ended
          const { quotas, reservations } = budgets.inspect()
          const used = quotas['principal tokens day bert']?.used
          holds(isLeft || used === tokensTaken, `the second has used ${used}`)
          holds(reservations === 0, `${reservations} reservations are left`)
          await desk.destroy()
          await budgets.close()
        } finally {
          rmSync(dataDir, { recursive: true, force: true })
        }
      }
    },
  }),
]
