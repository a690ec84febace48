// A process that records attempts and writes an id to its output only when the row is said to be safe: to be killed at any moment.
// Arguments: the sources, the data file, how many rows to keep on their way.

import { pathToFileURL } from 'node:url'
import { ledgerEntryOf } from '../../src/ledger/ledger-entry-of.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openTestLedger } from './ledger-world.ts'

const [, , sources = '', path = '', atOnce = '8'] = process.argv
const { ledger } = await openTestLedger(
  { sources, load: ({ path: name }) => import(pathToFileURL(`${sources}/${name}`).href) },
  path,
  // Long, so that a kill rather falls between a row's coming and its being safe than into the sync to disk.
  40,
)
let sequence = 0
const write = async (): Promise<void> => {
  for (;;) {
    const entry = ledgerEntryOf(`attempt-${process.pid}-${sequence++}`, { endedAtMs: systemClock.wallMs() })
    await ledger.record(entry)
    process.stdout.write(`${entry.attemptId}\n`)
  }
}
await Promise.all(Array.from({ length: Number(atOnce) }, write))
