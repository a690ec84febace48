// `npm run bench:wire`: what one call on a trivial tool costs through everything (identity, front door, call event, log
// line), beside hand-written servers that check nothing, in one run. The ratio of requests per second of processor time
// is the measure: it holds on a shared machine, where requests per second do not. The last line is one JSON object.
// Flags: --rounds 3, --seconds 3, --loud (measures beside other work too; only good for trying the bench itself).

import { parseArgs } from 'node:util'
import { type Contestant, type ContestantName, startContestant } from './contestants.ts'
import { type Lane, measure, type Sample } from './load.ts'
import { measureMemory } from './memory.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string' }, seconds: { type: 'string' }, loud: { type: 'boolean' } },
})
const isLoudAllowed = values.loud === true
const foreignMax = 0.15
const repeatsMax = 3

interface Measured extends Lane {
  readonly of: ContestantName
  /** The lane whose processor time is 1; null for the limits themselves. */
  readonly limit: string | null
}

const lanes: readonly Measured[] = [
  { name: 'bare', of: 'bare', limit: null, transport: 'legacy', path: '/mcp', tool: 'echo' },
  { name: 'bare-sse', of: 'bare', limit: null, transport: 'legacy', path: '/mcp-sse', tool: 'echo' },
  { name: 'bare-ws', of: 'bare-ws', limit: null, transport: 'websocket', path: '/', tool: 'echo' },
  { name: 'legacy', of: 'exai', limit: 'bare', transport: 'legacy', path: '/mcp', tool: 'echo' },
  { name: 'modern', of: 'exai', limit: 'bare', transport: 'modern', path: '/mcp', tool: 'echo' },
  {
    name: 'legacy-sse',
    of: 'exai',
    limit: 'bare-sse',
    transport: 'legacy',
    path: '/mcp',
    tool: 'echo_stream',
  },
  {
    name: 'modern-sse',
    of: 'exai',
    limit: 'bare-sse',
    transport: 'modern',
    path: '/mcp',
    tool: 'echo_stream',
  },
  { name: 'websocket', of: 'exai', limit: 'bare-ws', transport: 'websocket', path: '/ws', tool: 'echo' },
]

/** One round: every contestant afresh, a second to warm up, then a window each; odd rounds forward, even ones backward. */
async function playRound(round: number, seconds: number): Promise<ReadonlyMap<string, Sample>> {
  const running = new Map<ContestantName, Contestant>()
  try {
    for (const name of ['bare', 'bare-ws', 'exai'] as const) running.set(name, await startContestant(name))
    const samples = new Map<string, Sample>()
    for (const lane of round % 2 === 1 ? lanes : lanes.toReversed()) {
      const contestant = running.get(lane.of)
      if (contestant === undefined) continue
      await measure(contestant, lane, 1)
      samples.set(lane.name, await measure(contestant, lane, seconds))
    }
    return samples
  } finally {
    await Promise.all([...running.values()].map((each) => each.stop()))
  }
}

/** A quiet round; null when three repeats were as loud as the first. */
async function quietRound(round: number, seconds: number): Promise<ReadonlyMap<string, Sample> | null> {
  for (let attempt = 0; attempt <= repeatsMax; attempt++) {
    const samples = await playRound(round, seconds)
    const foreign = Math.max(...[...samples.values()].map((sample) => sample.foreign))
    process.stderr.write(
      `round ${round}: others took up to ${(foreign * 100).toFixed(0)} % of the processors\n`,
    )
    if (foreign <= foreignMax || isLoudAllowed) return samples
  }
  return null
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

const rounds: ReadonlyMap<string, Sample>[] = []
for (let round = 1; round <= Number(values.rounds ?? 3); round++) {
  const samples = await quietRound(round, Number(values.seconds ?? 3))
  if (samples === null) {
    process.stdout.write(`${JSON.stringify({ bench: 'wire', unmeasured: true })}\n`)
    process.exit(3)
  }
  rounds.push(samples)
}
const of = (lane: string, field: keyof Sample): number =>
  median(rounds.map((round) => round.get(lane)?.[field] ?? Number.NaN))
// Each round's ratio is taken within that round: what slowed the machine slowed both.
const ratio = (lane: string, limit: string): number =>
  median(
    rounds.map(
      (round) =>
        (round.get(lane)?.perCpuSecond ?? Number.NaN) / (round.get(limit)?.perCpuSecond ?? Number.NaN),
    ),
  )

const server = await startContestant('exai')
const memory = await measureMemory(server)
await server.stop()

const cell = (text: string): string => text.padStart(15)
process.stdout.write(
  `${['lane', 'calls/CPU s', 'CPU µs/call', 'of limit', 'p50 µs', 'p99 µs'].map(cell).join('')}\n`,
)
for (const lane of lanes) {
  const share = lane.limit === null ? '' : `${ratio(lane.name, lane.limit).toFixed(2)} ${lane.limit}`
  const numbers = (['perCpuSecond', 'cpuMicros'] as const).map((field) => of(lane.name, field).toFixed(0))
  const waits = (['p50', 'p99'] as const).map((field) => of(lane.name, field).toFixed(0))
  process.stdout.write(`${[lane.name, ...numbers, share, ...waits].map(cell).join('')}\n`)
}
const round2 = (value: number): number => Math.round(value * 100) / 100
const legacy = { json: ratio('legacy', 'bare'), sse: ratio('legacy-sse', 'bare-sse') }
const modern = { json: ratio('modern', 'bare'), sse: ratio('modern-sse', 'bare-sse') }
process.stdout.write(
  `${JSON.stringify({
    bench: 'wire',
    // The worse of the JSON and the SSE answer, so that neither hides behind the other.
    callLegacy: round2(Math.min(legacy.json, legacy.sse)),
    callModern: round2(Math.min(modern.json, modern.sse)),
    callWebSocket: round2(ratio('websocket', 'bare-ws')),
    cpuMicros: Math.round(of('modern', 'cpuMicros')),
    idleMiB: Math.round(memory.idleMiB),
    sessionKiB100: Math.round(memory.sessionKiB100),
    sessionKiB1000: Math.round(memory.sessionKiB1000),
  })}\n`,
)
