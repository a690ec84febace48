// One job through routing while a vendor misbehaves: real adapters and real sockets against the simulator, fresh health and slots
// for every row, and a clock that moves only when nobody has anything to do but wait.

import type { ControlPatch } from '../../simulator/control.ts'
import type { Simulator } from '../../simulator/server.ts'
import type { Vendor } from '../../simulator/vendors.ts'
import { CallFailure } from '../../src/domain/failure.ts'
import type { ClientId, PrincipalName } from '../../src/domain/ids.ts'
import { costNanoUsd } from '../../src/ledger/cost.ts'
import { PriceTable } from '../../src/ledger/price-table.ts'
import { createSeededRandom } from '../../src/lib/random.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { configureProviders } from '../../src/routing/configure.ts'
import { toLedgerEntry } from '../../src/routing/ledger-entry.ts'
import type { ConfiguredProvider } from '../../src/routing/route.ts'
import { type AttemptRecord, type JobDraft, Router } from '../../src/routing/router.ts'
import type { HealthEvent } from '../../src/routing/target-health.ts'

/** What came of one job. */
export interface JobStory {
  /** Who answered, or the failure's code. */
  readonly outcome: string
  /** How each attempt ended, in order. */
  readonly attempts: readonly string[]
  /** The sentence the window gets when nobody answered. */
  readonly sentence: string | null
  /** What the operator hears of keys, breakers and cooldowns. */
  readonly operator: readonly string[]
  /** Attempts with tokens on the bill, and what they cost together. */
  readonly billed: number
  readonly nanoUsd: bigint
  /** Slots held and jobs waiting when all was over: to be 0. */
  readonly left: number
}

/** A job to run. */
export interface Staged {
  readonly draft: JobDraft
  readonly model?: string
  readonly prefer?: readonly string[]
}

/** Where jobs run. */
export interface FaultWorld {
  run(staged: Staged): Promise<JobStory>
  /** Virtual milliseconds since it opened. */
  now(): number
  destroy(): Promise<void>
}

/** Words of the faults after which a vendor says no more. */
const silences = new Set(['stalled-first-byte', 'stalled-after-head', 'silence-mid-stream'])
const prices = new PriceTable(null)
const deadlineMs = 240_000

/** Arms nothing and everything: what the vendors do from now on, beside being themselves. */
export function arm(simulator: Simulator, patch: ControlPatch): void {
  simulator.reset()
  simulator.control(patch)
}

/** A fresh router with two keys for each vendor, and fallback from each vendor's model to the other's. */
export function openWorld(simulator: Simulator, seed: number): FaultWorld {
  const clock = new VirtualClock()
  const random = createSeededRandom(seed)
  const spec = (name: Vendor, baseUrl: string) => ({
    name,
    kind: name,
    baseUrl,
    accounts: [
      {
        name: 'main',
        apiKeys: [`sim-${name}-main.one`, `sim-${name}-main.two`],
        concurrency: { default: 2, byModel: {} },
      },
    ],
    models: [],
    missing: null,
  })
  const providers: readonly ConfiguredProvider[] = configureProviders(
    [spec('glm', simulator.glmBaseUrl), spec('kimi', simulator.kimiBaseUrl)],
    { jobsPerClientMax: 64, waitMsMax: 120_000 },
    clock,
    random,
  )
  const health: HealthEvent[] = []
  let records: AttemptRecord[] = []
  const router = new Router(providers, {
    clock,
    random,
    names: {
      aliases: {},
      chains: { 'first-glm': ['glm-5.2', 'kimi-k3'], 'first-kimi': ['kimi-k3', 'glm-5.2'] },
    },
    onHealth: (event) => health.push(event),
    async record(attempt) {
      records.push(attempt)
    },
  })
  const patience = async (isOver: () => boolean): Promise<void> => {
    let idleTurns = 0
    while (!isOver()) {
      await new Promise((done) => setTimeout(done, 4))
      const { glm, kimi } = simulator.stats(1)
      const busy = [glm, kimi].filter(({ inFlight }) => inFlight > 0)
      const isSilent = busy.every(({ log }) => silences.has(log.at(-1)?.fault ?? ''))
      idleTurns = isSilent ? idleTurns + 1 : 0
      if (idleTurns >= 4 && !isOver()) await clock.advance(busy.length > 0 ? 10_000 : 500)
    }
  }
  return {
    now: () => clock.now(),
    async run({ draft, model, prefer }) {
      health.length = 0
      records = []
      let isOver = false
      const job = router
        .run(draft, {
          identity,
          signal: new AbortController().signal,
          deadlineAt: clock.now() + deadlineMs,
          model,
          prefer,
          progress: () => undefined,
        })
        .then(
          ({ provider }) => ({ outcome: `${provider} answers`, sentence: null }),
          (error: unknown) => {
            if (!(error instanceof CallFailure)) throw error
            return { outcome: error.code as string, sentence: error.message }
          },
        )
        .finally(() => {
          isOver = true
        })
      await patience(() => isOver)
      const end = await job
      // A slot whose request was cut stays taken until the vendor has surely noticed.
      await clock.advance(cutHoldMs)
      const rows = records.map(toLedgerEntry)
      const paid = rows.filter(({ usage }) => usage.inputTokens + usage.outputTokens > 0)
      return {
        ...end,
        attempts: rows.map(({ provider, outcome }) => `${provider} ${outcome}`),
        operator: health.map(toWords),
        billed: paid.length,
        nanoUsd: paid.reduce((sum, row) => {
          const price = prices.at(row.provider, row.model, Date.now())
          return price === null ? sum : sum + costNanoUsd(row.usage, price)
        }, 0n),
        left: Object.values(router.inspect()).reduce((sum, { held, waiting }) => sum + held + waiting, 0),
      }
    },
    async destroy() {
      await Promise.all(providers.map(({ provider }) => provider.destroy()))
    },
  }
}

const cutHoldMs = 1_000

const identity = {
  team: null,
  principal: 'somebody' as PrincipalName,
  client: 'window' as ClientId,
  label: 'window',
  root: null,
  isLocal: true,
}

function toWords(event: HealthEvent): string {
  switch (event.type) {
    case 'key-died':
      return `dead: ${event.keyName}`
    case 'key-revived':
      return `alive: ${event.keyName}`
    case 'cooldown-began':
      return `${event.target.provider} cools`
    case 'breaker-changed':
      return `${event.target.provider} breaker ${event.to}`
  }
}
