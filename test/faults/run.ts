// `npm run test:faults`: every fault of the simulator, once and for good, and what comes of a job that meets it: who answers after
// which attempts, what window and operator are told, what is billed, which slots are left. Compared with expected.json, line by
// line; exits 1 where they differ. Then a total outage, and what it makes of two hundred jobs. `--write` puts what was seen into
// expected.json, for a person to read the difference.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { faultTables } from '../../simulator/fault-table.ts'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import { type Vendor, vendors } from '../../simulator/vendors.ts'
import known from './expected.json' with { type: 'json' }
import { arm, type JobStory, openWorld, type Staged } from './fault-world.ts'
import { totalOutage } from './outage.ts'

const shouldWrite = process.argv.includes('--write')
const expected: Readonly<Record<string, readonly string[]>> = known
// Pauses and dice decide how many of these fit before the others' turn.
const manyFrom = 5
const chat: Staged['draft'] = {
  kind: 'generate',
  task: 'chat',
  messages: [{ role: 'user', content: 'Say a few words, and end with the mark: OTTER-1947-QX' }],
  outputTokensMax: 4096,
}

// A fault is met by the job that can meet it: most by a chat, some by a search or by a file.
function stage(vendor: Vendor, fault: string): Staged | null {
  const only = faultTables[vendor][fault]?.operations
  if (fault.startsWith('search-'))
    return { draft: { kind: 'search', query: 'otters', count: 3 }, prefer: [vendor] }
  if (only === undefined || only.includes('chat')) {
    if (fault === 'extract-failed' || fault === 'files-full') {
      const bytes = new TextEncoder().encode('An otter is a mammal.')
      return { draft: { kind: 'extract', filename: 'otter.txt', bytes } }
    }
    return { draft: chat, model: `first-${vendor}` }
  }
  // Kimi searches by a formula; GLM takes files for extraction, and no job of ours asks it to.
  return only.includes('formula')
    ? { draft: { kind: 'search', query: 'otters', count: 3 }, prefer: [vendor] }
    : null
}

async function meet(
  simulator: Simulator,
  vendor: Vendor,
  fault: string,
  staged: Staged,
  times: number | null,
) {
  const ms = ['slow-first-byte', 'idle-gap', 'slow-drip'].includes(fault) ? { ms: 5 } : {}
  arm(simulator, { [vendor]: { faults: [{ name: fault, times, ...ms }] } })
  const world = openWorld(simulator, 7)
  try {
    return await world.run(staged)
  } finally {
    await world.destroy()
  }
}

/** `kimi answers; glm overloaded x2, kimi done; billed 1; operator: glm cools`. */
function toLine({ outcome, attempts, billed, operator, left }: JobStory): string {
  const runs: { what: string; count: number }[] = []
  for (const what of attempts) {
    const last = runs.at(-1)
    if (last?.what === what) last.count++
    else runs.push({ what, count: 1 })
  }
  const said = runs
    .map(({ what, count }) => (count === 1 ? what : `${what} x${count < manyFrom ? count : 'many'}`))
    .join(', ')
  const heard = operator.length === 0 ? '' : `; operator: ${[...new Set(operator)].join(', ')}`
  return `${outcome}; ${said || 'no attempt'}; billed ${billed}${heard}; slots left ${left}`
}

const simulator = createSimulator()
await simulator.listen()
let rows = 0
const wrong: string[] = []
const table: [string, readonly string[]][] = []
for (const vendor of vendors) {
  for (const [fault, { about }] of Object.entries(faultTables[vendor])) {
    const staged = stage(vendor, fault)
    const name = `${vendor} ${fault}`
    process.stdout.write(`${name}: ${about}\n`)
    if (staged === null) {
      table.push([name, []])
      process.stdout.write('  no job of ours can meet it\n')
    } else {
      const once = await meet(simulator, vendor, fault, staged, 1)
      const always = await meet(simulator, vendor, fault, staged, null)
      table.push([name, [toLine(once), toLine(always)]])
      const cost = (nano: bigint): string => (Number(nano) / 1_000).toFixed(1)
      process.stdout.write(
        `  once:   ${toLine(once)} (${cost(once.nanoUsd)} micro-dollars)\n  always: ${toLine(always)} (${cost(always.nanoUsd)} micro-dollars)\n`,
      )
      const sentence = once.sentence ?? always.sentence
      if (sentence !== null)
        process.stdout.write(`  window: ${sentence.replace(/\s+/g, ' ').slice(0, 220)}\n`)
    }
    rows++
    const want = expected[name]
    const got = table.at(-1)?.[1] ?? []
    if (JSON.stringify(want) !== JSON.stringify(got)) {
      wrong.push(
        `${name}\n  expected ${(want ?? ['nothing']).join('\n           ')}\n  was      ${got.join('\n           ')}`,
      )
    }
  }
}
for (const name of Object.keys(expected)) {
  if (!table.some(([known]) => known === name))
    wrong.push(`${name}: the simulator has no such fault any more`)
}
const { attempts, firstAttempts, floor } = await totalOutage(simulator)
await simulator.close()
const ratio = attempts / firstAttempts
const beside = (attempts - floor) / firstAttempts
process.stdout.write(
  `\nTotal outage: ${firstAttempts} first attempts, ${attempts} attempts: ${ratio.toFixed(3)}; beside the ${floor.toFixed(0)} that the floor of 10 a minute allows ${beside.toFixed(3)} (at most 1.2).\n`,
)
// A sum of fifths in binary is not quite whole.
if (beside > 1.2 + 1e-6) wrong.push('the retry budget let an outage multiply attempts')
if (shouldWrite) {
  writeFileSync(
    join(import.meta.dirname, 'expected.json'),
    `${JSON.stringify(Object.fromEntries(table), null, 2)}\n`,
  )
}
for (const each of wrong) process.stdout.write(`\nNot as expected: ${each}\n`)
process.stdout.write(
  `${JSON.stringify({ bench: 'faults', rows, asExpected: rows - wrong.length, attemptsPerFirst: Number(ratio.toFixed(3)), besideFloor: Number(beside.toFixed(3)) })}\n`,
)
process.exitCode = wrong.length === 0 ? 0 : 1
