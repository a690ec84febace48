// `npm run bench:wire`: what one call on a trivial tool costs through everything (identity, front door, call event, log
// line), beside hand-written servers that check nothing, in one run. The ratio of requests per second of processor time
// is the measure: it holds on a shared machine, where requests per second do not. The last line is one JSON object.
// Flags: --rounds 5, --seconds 3, --loud (measures beside other work too; only good for trying the bench itself), --no-memory,
// --memory-only (no rounds: memory does not depend on who else runs).

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Contestant, type ContestantName, listFile, loadCore, startContestant } from './contestants.ts'
import { lanes, lone } from './lanes.ts'
import { measure, type Sample } from './load.ts'
import { measureAllMemory } from './memory.ts'
import { leaveStall, pacedP99, sessionsPerCpuSecond } from './moments.ts'
import { openClients, post } from './sessions.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    loud: { type: 'boolean', default: false },
    'no-memory': { type: 'boolean', default: false },
    'memory-only': { type: 'boolean', default: false },
  },
})
const isLoudAllowed = values.loud
const foreignMax = 0.15
const repeatsMax = 3

/** What a round showed: the lanes by name, and numbers of their own. */
interface Round {
  readonly samples: ReadonlyMap<string, Sample>
  readonly sessionsRatio: number
  readonly addedP99Ms: number
  readonly leaveStallRatio: number
}

/** One round: every contestant afresh and warmed up, then each lane a second and a window; odd rounds forward, even ones backward. */
async function playRound(round: number, seconds: number): Promise<Round> {
  const running = new Map<ContestantName, Contestant>()
  const start = async (name: ContestantName): Promise<Contestant> => {
    const contestant = await startContestant(name)
    running.set(name, contestant)
    return contestant
  }
  try {
    const exai = await start('exai')
    await writeList(exai)
    const bare = await start('bare')
    const bareSessions = await start('bare-sessions')
    for (const name of ['bare-ws', 'bare-list'] as const) await start(name)
    const samples = new Map<string, Sample>()
    const order = [...lanes, ...lone]
    // Whoever comes first would else be measured while its code is still being compiled.
    for (const lane of order) {
      const contestant = running.get(lane.of)
      if (contestant !== undefined && lane.connections === undefined) await measure(contestant, lane, 2)
    }
    for (const lane of round % 2 === 1 ? order : order.toReversed()) {
      const contestant = running.get(lane.of)
      if (contestant === undefined) continue
      await measure(contestant, lane, 1)
      samples.set(lane.name, await measure(contestant, lane, seconds))
    }
    const sessionsRatio = (await sessionsPerCpuSecond(exai)) / (await sessionsPerCpuSecond(bareSessions))
    const addedP99Ms = ((await pacedP99(exai, seconds)) - (await pacedP99(bare, seconds))) / 1000
    return { samples, sessionsRatio, addedP99Ms, leaveStallRatio: await leaveStall(exai, seconds) }
  } finally {
    await Promise.all([...running.values()].map((each) => each.stop()))
  }
}

// The limit for lists answers with the very list that ours has.
async function writeList({ port }: Contestant): Promise<void> {
  const url = `http://127.0.0.1:${port}/mcp`
  const [client] = await openClients(url, 'legacy', 1)
  const { text } = await post(
    url,
    { jsonrpc: '2.0', id: 1, method: 'tools/list' },
    {
      'mcp-session-id': client?.session ?? '',
      'mcp-protocol-version': client?.version ?? '',
      'x-exai-client': client?.client ?? '',
    },
  )
  writeFileSync(listFile, JSON.stringify((JSON.parse(text) as { readonly result: unknown }).result))
}

/** A quiet round; null when three repeats were as loud as the first. */
async function quietRound(round: number, seconds: number): Promise<Round | null> {
  for (let attempt = 0; attempt <= repeatsMax; attempt++) {
    const played = await playRound(round, seconds)
    const foreign = Math.max(...[...played.samples.values()].map((sample) => sample.foreign))
    process.stderr.write(
      `round ${round}: others took up to ${(foreign * 100).toFixed(0)} % of the processors\n`,
    )
    if (foreign <= foreignMax || isLoudAllowed) return played
  }
  return null
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}

// This process opens clients too: it stays off the contestants' core.
execFileSync('taskset', ['-apc', String(loadCore), String(process.pid)], { stdio: 'ignore' })
const rounds: Round[] = []
const roundCount = values['memory-only'] ? 0 : Number(values.rounds)
for (let round = 1; round <= roundCount; round++) {
  const played = await quietRound(round, Number(values.seconds))
  if (played === null) {
    process.stdout.write(`${JSON.stringify({ bench: 'wire', unmeasured: true })}\n`)
    process.exit(3)
  }
  rounds.push(played)
}
const sampleOf = (round: Round, lane: string, field: keyof Sample): number =>
  round.samples.get(lane)?.[field] ?? Number.NaN
const of = (lane: string, field: keyof Sample): number =>
  median(rounds.map((round) => sampleOf(round, lane, field)))
// Each round's ratio is taken within that round: what slowed the machine slowed both.
const ratio = (lane: string, limit: string): number =>
  median(
    rounds.map((round) => sampleOf(round, lane, 'perCpuSecond') / sampleOf(round, limit, 'perCpuSecond')),
  )
const loneAdded = (lane: string): number =>
  median(rounds.map((round) => sampleOf(round, lane, 'p50') - sampleOf(round, 'lone-bare', 'p50')))

const memory = values['no-memory'] ? null : await measureAllMemory()

const cell = (text: string): string => text.padStart(15)
const round2 = (value: number): number => Math.round(value * 100) / 100
// The worse one, so that neither hides behind the other.
const worse = (...pairs: readonly (readonly [string, string])[]): number =>
  round2(Math.min(...pairs.map(([lane, limit]) => ratio(lane, limit))))
/** One line a lane. */
function writeTable(): void {
  process.stdout.write(
    `${['lane', 'calls/CPU s', 'CPU µs/call', 'of limit', 'p50 µs', 'p99 µs'].map(cell).join('')}\n`,
  )
  for (const lane of [...lanes, ...lone]) {
    const share = lane.limit === null ? '' : `${ratio(lane.name, lane.limit).toFixed(2)} ${lane.limit}`
    const numbers = (['perCpuSecond', 'cpuMicros'] as const).map((field) => of(lane.name, field).toFixed(0))
    const waits = (['p50', 'p99'] as const).map((field) => of(lane.name, field).toFixed(0))
    process.stdout.write(`${[lane.name, ...numbers, share, ...waits].map(cell).join('')}\n`)
  }
}

/** What the rounds showed, under the names of the last line. */
function calls(): Readonly<Record<string, number>> {
  return {
    callLegacy: worse(['legacy', 'bare'], ['legacy-sse', 'bare-sse']),
    callModern: worse(['modern', 'bare'], ['modern-sse', 'bare-sse']),
    callWebSocket: round2(ratio('websocket', 'bare-ws')),
    list: worse(['legacy-list', 'bare-list'], ['modern-list', 'bare-list']),
    cpuMicros: Math.round(of('modern', 'cpuMicros')),
    sessionsPerSecond: round2(median(rounds.map((round) => round.sessionsRatio))),
    loneClientAddedMicros: Math.round(Math.max(loneAdded('lone-legacy'), loneAdded('lone-modern'))),
    addedP99Ms: round2(median(rounds.map((round) => round.addedP99Ms))),
    leaveStallRatio: round2(median(rounds.map((round) => round.leaveStallRatio))),
  }
}

if (rounds.length > 0) writeTable()
process.stdout.write(
  `${JSON.stringify({ bench: 'wire', ...(rounds.length > 0 ? calls() : {}), ...(memory ?? {}) })}\n`,
)
