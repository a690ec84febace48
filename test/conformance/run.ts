// `npm run test:conformance`: the official suite looks at a fixture on our MCP surface, with the requirements of both revisions, over
// HTTP, and through a relay over a WebSocket. Every scenario that it runs for a server has to pass, those included that it does not
// count because its own fixture cannot pass them (pending) or because they came later; only extensions, which we do not offer, are
// left out. No failure is expected. Exits 1 with what is amiss.
//
// Flags: `--door http|websocket|bridge` and `--revision 2026-07-28` run a part (the bridge only so: it is the built
// one, and a process for each session and request); `--sabotage` plants faults that must be found.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bridgeExemptions, type Exemption, webSocketExemptions } from './exemptions.ts'
import { startFixture } from './fixture.ts'
import { startRelay } from './relay/http-relay.ts'
import { byBridge, bySocket, type Dial } from './relay/line.ts'
import { sabotage } from './sabotage.ts'
import { askedBy, type Found, type Revision, runSuite } from './suite.ts'

type Door = 'http' | 'websocket' | 'bridge'

const { values } = parseArgs({
  options: {
    door: { type: 'string' },
    revision: { type: 'string' },
    sabotage: { type: 'boolean', default: false },
  },
})
if (values.sabotage) process.exit(sabotage())

const doors = (['http', 'websocket', 'bridge'] as const).filter((door) =>
  values.door === undefined ? door !== 'bridge' : door === values.door,
)
const revisions = (['2025-11-25', '2026-07-28'] as const).filter(
  (revision) => revision === (values.revision ?? revision),
)
const exemptions: Readonly<Record<Door, readonly Exemption[]>> = {
  http: [],
  websocket: webSocketExemptions,
  bridge: bridgeExemptions,
}
const used = new Set<Exemption>()
const complaints: string[] = []

/** What is amiss with one scenario; null: nothing. */
function complaintOf(door: Door, scenario: string, found: Found | undefined): string | null {
  if (found === undefined) return `${scenario} was not run`
  const exempt = exemptions[door].filter((each) => each.scenario === scenario)
  const amiss = found.amiss.filter(({ check }) => {
    const exemption = exempt.find(({ checks }) => checks?.test(check))
    if (exemption !== undefined) used.add(exemption)
    return exemption === undefined
  })
  if (amiss.length > 0)
    return `${scenario} fails\n${amiss.map(({ check, says }) => `  ${check}: ${says}`).join('\n')}`
  return found.succeeded > 0 ? null : `${scenario} found nothing to look at`
}

async function judge(door: Door, url: string, revision: Revision): Promise<void> {
  const found = await runSuite(url, revision)
  const { required, unscored } = askedBy(revision)
  const besides = unscored.filter(({ reason }) => reason !== 'extension')
  const judge = (names: readonly string[]): string => {
    const skipped = exemptions[door].filter(
      ({ scenario, checks }) => checks === undefined && names.includes(scenario),
    )
    for (const each of skipped) used.add(each)
    const judged = names.filter((name) => !skipped.some(({ scenario }) => scenario === name))
    const bad = judged.flatMap((name) => complaintOf(door, name, found.get(name)) ?? [])
    complaints.push(...bad.map((complaint) => `${door}, ${revision}: ${complaint}`))
    const passed = `${judged.length - bad.length}/${judged.length}`
    return skipped.length === 0 ? passed : `${passed} (${skipped.length} of HTTP alone)`
  }
  if (required.length === 0) complaints.push(`${revision}: the suite requires no scenario`)
  const own = judge(required)
  const more = judge(besides.map(({ scenario }) => scenario))
  const extensions = unscored.length - besides.length
  process.stdout.write(
    `${door}, ${revision}: ${own} required scenarios passed, ${more} pending or added later; ${extensions} of extensions not offered\n`,
  )
}

const startedAt = performance.now()
const fixture = await startFixture()
const home = mkdtempSync(join(tmpdir(), 'exai-conformance-home-'))
const dials: Readonly<Record<Exclude<Door, 'http'>, Dial>> = {
  websocket: bySocket(fixture.webSocketUrl),
  bridge: byBridge(`http://127.0.0.1:${fixture.port}`, home),
}
try {
  for (const door of doors) {
    const relay = door === 'http' ? null : await startRelay(dials[door])
    try {
      for (const revision of revisions) await judge(door, relay?.url ?? fixture.url, revision)
    } finally {
      await relay?.close()
    }
  }
  if (values.revision === undefined) {
    for (const door of doors) {
      for (const exemption of exemptions[door]) {
        if (!used.has(exemption))
          complaints.push(`${door}: nothing needs the exemption of ${exemption.scenario}`)
      }
    }
  }
} finally {
  await fixture.close()
  rmSync(home, { recursive: true, force: true })
}
const seconds = Math.round((performance.now() - startedAt) / 1_000)
for (const complaint of complaints) process.stdout.write(`${complaint}\n`)
process.stdout.write(`no expected failures, ${complaints.length} complaints, ${seconds} s\n`)
process.exitCode = complaints.length === 0 ? 0 : 1
