// One call of one window while a vendor misbehaves: a whole server and both vendors of its own for every meeting, MCP over a real
// socket, and a clock that moves only when nobody has anything to do but wait. Tells what came of it from where people look: the
// answer in the window, the log, /api/inspect's numbers, the rows of the ledger.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ControlPatch } from '../../simulator/control.ts'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { type Vendor, vendors } from '../../simulator/vendors.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createServer, type Server } from '../../src/server.ts'
import { openHttpWindow } from '../support/http-window.ts'
import { busyCounters } from '../support/leftovers.ts'
import { secretPattern } from '../support/server-fixture.ts'
import type { Window, WindowAnswer, WindowCall } from '../support/window-call.ts'
import { type OperatorFacts, toldToOperator } from './operator-ear.ts'
import { WorldClock } from './world-clock.ts'

/** One attempt as the ledger has it. */
export interface AttemptRow {
  readonly provider: string
  readonly outcome: string
  /** `provider`: by the vendor's own count; `none`: nothing to pay. */
  readonly source: 'provider' | 'estimated' | 'none'
  readonly tokens: number
  readonly nanoUsd: number
}

/** What came of one call. */
export interface Meeting {
  /** `glm answers`, or the code of the failure or the reason of the refusal. */
  readonly outcome: string
  /** What the window's model reads. */
  readonly text: string
  readonly attempts: readonly AttemptRow[]
  readonly operator: readonly string[]
  /** How often the fault struck. */
  readonly strikes: number
  /** Virtual milliseconds that the call took. */
  readonly tookMs: number
  /** The private detail of a failed call, as the log has it. */
  readonly detail: string | null
  /** Whether a part of a key stands in the answer or in the log. */
  readonly hasSpilled: boolean
  /** What was still taken when all was over, by its path in inspect(): to be empty. */
  readonly left: readonly string[]
}

/** A server with its vendors. */
export interface FaultServer {
  readonly simulator: Simulator
  readonly window: Window
  /** The folder of the window; it holds `otter.doc`, which none of our own readers opens. */
  readonly home: string
  /** Virtual milliseconds since it opened. */
  now(): number
  /** The answer of a call under way. Time passes whenever nothing else can happen. */
  outlast(call: WindowCall): Promise<WindowAnswer>
  /** Ends everything, then tells what was written down. */
  close(): Promise<OperatorFacts & Pick<Meeting, 'attempts' | 'left' | 'hasSpilled'>>
}

/** What a server is opened with. */
export interface FaultServerOptions {
  readonly simulator: ControlPatch
  /** Vendors with keys; all when absent. */
  readonly known?: readonly Vendor[]
}

/** The name of the chain that begins with a vendor and may go on to the other. */
export const chainOf = (vendor: Vendor): string => `first-${vendor}`
/** The model that each vendor is asked for by name. */
export const modelOf: Readonly<Record<Vendor, string>> = { glm: 'glm-5.2', kimi: 'kimi-k3' }
const slots = 2

const silences = new Set(['stalled-first-byte', 'stalled-after-head', 'silence-mid-stream'])
const turnMs = 4
const idleTurnsMin = 6
const stepMsFirst = 250
const stepMsMax = 8_000
// Longer than any call may take: two deadlines, as an end for a server that never answers.
const callMsMax = 600_000

/** Opens one. Two keys an account, two slots, and chains from each vendor's model to the other's. */
export async function openFaultServer(options: FaultServerOptions): Promise<FaultServer> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'exai-faults-')))
  const clock = new WorldClock()
  const simulator = createSimulator(options.simulator)
  await simulator.listen()
  mkdirSync(join(home, 'etc'))
  writeFileSync(join(home, 'etc', 'exai.yaml'), yaml(options.known ?? vendors, home))
  writeFileSync(join(home, 'otter.doc'), Buffer.from('d0cf11e0a1b11ae1'.padEnd(1_024, '0'), 'hex'))
  const dataDir = join(home, 'data')
  const config = loadConfig({
    cwd: join(home, 'etc'),
    env: {
      HOME: home,
      EXAI_PORT: '0',
      EXAI_DATA_DIR: dataDir,
      EXAI_GLM_BASE_URL: simulator.glmBaseUrl,
      EXAI_KIMI_BASE_URL: simulator.kimiBaseUrl,
    },
  })
  let log = ''
  let answers = ''
  const server = await createServer({
    config,
    clock,
    log: {
      write(line) {
        log += line
      },
    },
  })
  const { url } = await server.listen()
  const window = await openHttpWindow('modern', { url, name: 'window-one', root: home })
  return {
    simulator,
    window,
    home,
    now: () => clock.now(),
    async outlast(call) {
      const answer = await outlast(call, clock, server, simulator)
      answers += JSON.stringify(answer)
      return answer
    },
    async close() {
      await window.close()
      // A slot whose request was cut stays taken until the vendor has surely noticed.
      await clock.pass(
        2_000,
        () => false,
        () => settled(server),
      )
      const left = await leftOf(server, simulator)
      const inspected = server.inspect()
      await server.destroy()
      await simulator.close()
      const attempts = rowsIn(dataDir)
      rmSync(home, { recursive: true, force: true })
      return {
        ...toldToOperator(log, inspected),
        attempts,
        left,
        hasSpilled: secretPattern.test(log + answers),
      }
    },
  }
}

// An account whose name must not show, and keys that are none of ours.
function keyOf(vendor: Vendor, index: number): string {
  const account = vendor === 'glm' ? 'account01.' : 'account02-'
  return `sim-${vendor}-${account}simulated-secret-${index}`
}

function yaml(known: readonly Vendor[], home: string): string {
  const account = (vendor: Vendor): string =>
    `  ${vendor}: { accounts: [{ name: main, apiKeys: [${keyOf(vendor, 1)}, ${keyOf(vendor, 2)}], concurrency: ${slots} }] }`
  const { glm, kimi } = modelOf
  return `
roots: ['${home}']
providers:
${known.map(account).join('\n')}
models: { chains: { ${chainOf('glm')}: [${glm}, ${kimi}], ${chainOf('kimi')}: [${kimi}, ${glm}] } }
limits: { client: { requestsPerMinute: 6000, burst: 1000 }, principal: { requestsPerMinute: 60000, burst: 10000 } }
`
}

interface Inspected {
  readonly ledger: { readonly pending: number }
  readonly documents: { readonly running: number; readonly waiting: number }
}

async function outlast(
  call: WindowCall,
  clock: WorldClock,
  server: Server,
  simulator: Simulator,
): Promise<WindowAnswer> {
  const end: { answer?: WindowAnswer | null } = {}
  void call.answer.then((answer) => {
    end.answer = answer
  })
  const startedAt = clock.now()
  let seen = ''
  let idleTurns = 0
  let stepMs = stepMsFirst
  while (end.answer === undefined) {
    await new Promise((done) => setTimeout(done, turnMs))
    const both = Object.values(simulator.stats(1))
    const now = JSON.stringify(both.map(({ requests, outcomes, inFlight }) => [requests, outcomes, inFlight]))
    const isBusy = both.some(({ inFlight, log }) => inFlight > 0 && !silences.has(log.at(-1)?.fault ?? ''))
    if (isBusy || now !== seen) {
      seen = now
      idleTurns = 0
      stepMs = stepMsFirst
    } else if (++idleTurns >= idleTurnsMin && end.answer === undefined) {
      // Asked last, for it costs more than all the rest: rows on their way to the disk, documents being read.
      if (worksBeside(server)) continue
      await clock.pass(
        stepMs,
        () => end.answer !== undefined,
        () => settled(server),
      )
      stepMs = Math.min(stepMs * 2, stepMsMax)
      idleTurns = idleTurnsMin - 3
      if (clock.now() - startedAt > callMsMax) throw new Error('the call was not answered in ten minutes')
    }
  }
  if (end.answer === null) throw new Error('the call ended without an answer')
  return end.answer
}

function worksBeside(server: Server): boolean {
  const { ledger, documents } = server.inspect() as unknown as Inspected
  return ledger.pending + documents.running + documents.waiting > 0
}

async function settled(server: Server): Promise<void> {
  while (worksBeside(server)) await new Promise((done) => setTimeout(done, 1))
}

// The ends of sockets come by event; what is still counted after that long is not coming back.
const leftMsMax = 3_000

async function leftOf(server: Server, simulator: Simulator): Promise<readonly string[]> {
  const until = performance.now() + leftMsMax
  for (;;) {
    const { glm, kimi } = simulator.stats(0)
    const vendorsLeft = { glm: { inFlight: glm.inFlight }, kimi: { inFlight: kimi.inFlight } }
    const left = [...busyCounters(server.inspect()), ...busyCounters(vendorsLeft)]
    if (left.length === 0 || performance.now() > until) return left
    await new Promise((done) => setTimeout(done, 10))
  }
}

function rowsIn(dataDir: string): readonly AttemptRow[] {
  const database = new DatabaseSync(join(dataDir, 'exai.db'), { readOnly: true })
  try {
    return database
      .prepare(
        `SELECT provider, outcome, usage_source AS source, input_tokens + output_tokens AS tokens,
           cost_nano_usd AS nanoUsd FROM ledger WHERE outcome <> 'cached' ORDER BY ended_at_ms, model IS NOT NULL, attempt`,
      )
      .all() as unknown as AttemptRow[]
  } finally {
    database.close()
  }
}
