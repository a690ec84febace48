// `npm run nightly:soak`: half an hour of mixed faults at both vendors, under polite, noisy and leaving windows at every door, all in
// processes of their own. Exits 0 if, after a warm-up of a third, the server's memory does not grow, and if at the end it holds nothing: no
// call, slot, queue, stream or reservation, and no handle more than before; and if nobody ever read another's answer. Prints one JSON line.
// Flags: --minutes 30, --seed 5; --plant NAME with one of plants/; --sabotage runs them all, shorter, and passes when each is seen.

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createSeededRandom } from '../../src/lib/random.ts'
import { askedOverHttp, busyCounters } from '../support/leftovers.ts'
import { play, type Tally } from './parties.ts'
import type { Held } from './probe.ts'
import { sabotage } from './sabotage.ts'
import { startServer } from './server.ts'
import { type Sample, slopeOf } from './slope.ts'
import { startVendors } from './vendors.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '5' },
    plant: { type: 'string' },
    sabotage: { type: 'boolean', default: false },
  },
})
if (values.sabotage) process.exit(sabotage())

const minutes = Number(values.minutes)
const seed = Number(values.seed)
const random = createSeededRandom(seed)
const beginMs = 10_000
const soakMs = minutes * 60_000
const warmUpMs = soakMs / 3
const sampleMs = Math.max(1_000, soakMs / 180)
const reviveMs = 5_000
const settleMsMax = values.plant === undefined ? 120_000 : 20_000
// Mebibytes a minute. What is reached says it sharply; what the machine sees needs long to be anything but noise.
const liveSlopeMax = 0.5
const residentSlopeMax = 1
const residentMinutesMin = 10
const samplesMin = 10
// A call that has not ended a second after its abort is left behind: work that ignores it, or a machine that stood still for that second.
const abandonedShareMax = 0.001

const vendors = await startVendors()
const server = await startServer(vendors, values.plant)
const tally: Tally = { answered: 0, failed: 0, left: 0, crossed: 0, unopened: 0 }

async function playFor(ms: number, beside: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const stop = new AbortController()
  const party = { url: server.url, random, signal: stop.signal, tally }
  const all = Promise.all([play(party), beside(stop.signal)])
  try {
    // Whoever fails ends the run at once, not after half an hour.
    await Promise.race([sleep(ms, undefined, { signal: stop.signal }), all])
  } finally {
    stop.abort()
  }
  await all
}

async function every(ms: number, signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
  while (!signal.aborted) {
    await act()
    // The end of the soak is no failure.
    await sleep(ms, undefined, { signal }).catch(() => undefined)
  }
}

/** What is still in progress, at the server and at the vendors. */
async function busy(): Promise<readonly string[]> {
  const { inFlight } = await vendors.stats()
  // Those left behind are counted since the start; they are judged by themselves.
  const own = busyCounters(await server.inspect(), {
    ...askedOverHttp,
    'calls.abandoned': Number.POSITIVE_INFINITY,
  })
  return inFlight === 0 ? own : [...own, `vendors.inFlight: ${inFlight}`]
}

/** Kinds of handles of which there are more than before. */
function moreHandles(now: Held, before: Held | null): readonly string[] {
  if (before === null) return []
  return Object.entries(now.handles)
    .filter(([kind, count]) => count > (before.handles[kind] ?? 0))
    .map(([kind, count]) => `${count - (before.handles[kind] ?? 0)} ${kind}`)
}

/** Waits for the ends of what runs, and of what lingers for a while. */
async function settled(before: Held | null): Promise<{ held: Held; left: readonly string[] }> {
  const end = performance.now() + settleMsMax
  for (;;) {
    // In this order: who asks over HTTP leaves a connection, which is there before as well as after.
    const still = await busy()
    const held = await server.held()
    const left = [...still, ...moreHandles(held, before)]
    if (left.length === 0 || performance.now() > end) return { held, left }
    await sleep(500)
  }
}

await playFor(beginMs, async () => undefined)
const { held: before } = await settled(null)
const resident: Sample[] = []
const live: Sample[] = []
const startedAt = performance.now()
await playFor(soakMs, (signal) =>
  Promise.all([
    vendors.storm(random, signal),
    every(reviveMs, signal, () => server.revive()),
    every(sampleMs, signal, async () => {
      const atMs = performance.now() - startedAt
      if (atMs < warmUpMs) return
      const { residentBytes, liveBytes } = await server.held()
      resident.push({ atMs, bytes: residentBytes })
      live.push({ atMs, bytes: liveBytes })
      if (live.length % 10 !== 1) return
      const [reached, seen] = [liveBytes, residentBytes].map((bytes) => (bytes / 1_048_576).toFixed(1))
      process.stderr.write(
        `${(atMs / 60_000).toFixed(1)} min: ${reached} MiB reached, ${seen} MiB resident, ${tally.answered} answered\n`,
      )
    }),
  ]),
)
const { held: after, left } = await settled(before)
const { requests, struck } = await vendors.stats()
const { abandoned } = (await server.inspect()).calls as { readonly abandoned: number }
const exitCode = await server.stop()
await vendors.stop()

const liveSlope = slopeOf(live)
const residentSlope = slopeOf(resident)
const warnings = (server.said().match(/^.*(?:Warning:|"level":(?:50|60)).*$/gm) ?? []).filter(
  (line) => !line.includes('"abandoned":true'),
)
const calls = tally.answered + tally.failed + tally.left
const wrong = [
  ...(live.length >= samplesMin ? [] : [`only ${live.length} samples: too short for this machine`]),
  ...(liveSlope < liveSlopeMax || live.length < samplesMin ? [] : ['what is reached grows']),
  ...(residentSlope < residentSlopeMax || minutes < residentMinutesMin ? [] : ['the process grows']),
  ...left.map((each) => `left: ${each}`),
  ...(tally.crossed === 0 ? [] : [`${tally.crossed} answers crossed over`]),
  // A soak in which nothing happened would prove nothing.
  ...(tally.answered > minutes * 60 && struck > minutes * 5 ? [] : ['too little happened']),
  ...(tally.unopened <= tally.answered / 100 ? [] : [`${tally.unopened} windows could not be opened`]),
  ...(abandoned <= calls * abandonedShareMax ? [] : [`${abandoned} calls were left behind`]),
  ...(exitCode === 0 ? [] : [`the server ended with ${exitCode}`]),
  ...warnings.slice(0, 5),
]
const rounded = (value: number): number => Math.round(value * 1_000) / 1_000
const facts = {
  minutes,
  seed,
  ...tally,
  abandoned,
  requests,
  struck,
  samples: live.length,
  liveSlope: rounded(liveSlope),
  residentSlope: rounded(residentSlope),
  before,
  after,
}
process.stdout.write(`${JSON.stringify({ bench: 'soak', ...facts, wrong, isFine: wrong.length === 0 })}\n`)
process.exitCode = wrong.length === 0 ? 0 : 1
