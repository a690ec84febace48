// `npm run bench:wire`: what one call on a trivial tool costs through everything (identity, front door, call event, log
// line), beside hand-written servers that check nothing, in one run. The ratio of requests per second of processor time
// is the measure: it holds on a shared machine, where requests per second do not. The last line is one JSON object.
// Flags: --rounds 5, --seconds 3, --loud (measures beside other work too; only good for trying the bench itself), --no-memory,
// --memory-only (no rounds: memory does not depend on who else runs).

import { parseArgs } from 'node:util'
import { loadCore } from './contestants.ts'
import { bouts } from './lanes.ts'
import type { Sample } from './load.ts'
import { pinTo } from './machine.ts'
import { measureAllMemory } from './memory.ts'
import { Unmeasured } from './quiet.ts'
import { type Pair, playRound, type Round } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    loud: { type: 'boolean', default: false },
    'no-memory': { type: 'boolean', default: false },
    'memory-only': { type: 'boolean', default: false },
  },
})

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

// This process opens clients too: it stays off the contestants' core.
pinTo(loadCore)
// Whoever stops the bench stops the contestants: they end with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const rounds: Round[] = []
const roundCount = values['memory-only'] ? 0 : Number(values.rounds)
for (let round = 1; round <= roundCount; round++) {
  const options = { seconds: Number(values.seconds), isLoudAllowed: values.loud }
  const played = await playRound(round, options).catch(unmeasured)
  rounds.push(played)
  process.stderr.write(`round ${round} of ${roundCount}: ${JSON.stringify(callsOf([played]))}\n`)
}

function unmeasured(cause: unknown): never {
  if (!(cause instanceof Unmeasured)) throw cause
  process.stdout.write(`${JSON.stringify({ bench: 'wire', unmeasured: true })}\n`)
  process.exit(3)
}

const memory = values['no-memory'] ? null : await measureAllMemory()

/** The median over `of` of what their bouts named `lane` showed. */
function over(of: readonly Round[], lane: string, show: (pair: Pair) => number): number {
  return median(
    of.map(({ pairs }) => {
      const pair = pairs.get(lane)
      return pair === undefined ? Number.NaN : show(pair)
    }),
  )
}

// Each bout's ratio is taken within that bout: what slowed the machine slowed both.
function ratio(of: readonly Round[], lane: string): number {
  return over(of, lane, ({ limit, ours }) => ours.perCpuSecond / limit.perCpuSecond)
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}

/** What the rounds showed, under the names of the last line. */
function callsOf(of: readonly Round[]): Readonly<Record<string, number>> {
  // The worse one, so that neither hides behind the other.
  const worse = (...lanes: readonly string[]): number =>
    round2(Math.min(...lanes.map((each) => ratio(of, each))))
  const added = (lane: string): number => over(of, lane, ({ limit, ours }) => ours.p50 - limit.p50)
  return {
    callLegacy: worse('legacy', 'legacy-sse'),
    callModern: worse('modern', 'modern-sse'),
    callWebSocket: worse('websocket'),
    list: worse('legacy-list', 'modern-list'),
    cpuMicros: Math.round(over(of, 'modern', ({ ours }) => ours.cpuMicros)),
    sessionsPerSecond: round2(median(of.map((each) => each.sessionsRatio))),
    loneClientAddedMicros: Math.round(Math.max(added('lone-legacy'), added('lone-modern'))),
    addedP99Ms: round2(median(of.map((each) => each.addedP99Ms))),
    leaveStallRatio: round2(median(of.map((each) => each.leaveStallRatio))),
  }
}

/** Two lines a bout. */
function writeTable(): void {
  const cell = (text: string): string => text.padStart(15)
  const write = (cells: readonly string[]): void => void process.stdout.write(`${cells.map(cell).join('')}\n`)
  const numbers = (lane: string, of: (pair: Pair) => Sample): readonly string[] =>
    (['perCpuSecond', 'cpuMicros', 'p50', 'p99'] as const).map((field) =>
      over(rounds, lane, (pair) => of(pair)[field]).toFixed(0),
    )
  write(['lane', 'calls/CPU s', 'CPU µs/call', 'p50 µs', 'p99 µs', 'of limit'])
  for (const { limit, ours } of bouts) {
    write([limit.name, ...numbers(ours.name, (pair) => pair.limit)])
    write([ours.name, ...numbers(ours.name, (pair) => pair.ours), ratio(rounds, ours.name).toFixed(2)])
  }
}

if (rounds.length > 0) writeTable()
process.stdout.write(
  `${JSON.stringify({ bench: 'wire', ...(rounds.length > 0 ? callsOf(rounds) : {}), ...(memory ?? {}) })}\n`,
)
