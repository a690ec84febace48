// `npm run test:claude`: real Claude Code windows at work together on one server, half of them with nothing but the line
// the server prints. Exits 0 if every window got its own answers, saw nobody else's mark, was a client of its own, and
// nothing was left behind. With `--sabotage swap|leak` a fault is planted in the server and the exit code is turned
// round: 0 only if the fault was seen. With one GLM slot the windows stand in line instead: one chat each, one at a time, each told
// its place, however long it takes.
//
// Flags: --n 10, --glm-slots 32, --kimi-slots 32, --service-ms MS (for every job), --sabotage swap|leak.
// `--restart` is another play: see restart/run.ts; --n 10, --seconds 60, --restarts 3 (of each kind), --sabotage cut.

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { judgeLine, toLineTable } from './in-line.ts'
import type { JobTimes } from './jobs.ts'
import { play } from './play.ts'
import { runRestarts } from './restart/run.ts'
import { toTable } from './table.ts'

const { values } = parseArgs({
  options: {
    n: { type: 'string' },
    'glm-slots': { type: 'string', default: '32' },
    'kimi-slots': { type: 'string', default: '32' },
    'service-ms': { type: 'string' },
    sabotage: { type: 'string' },
    restart: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    restarts: { type: 'string' },
  },
})

if (values.restart) process.exit(await runRestarts(values))

/** Which sentence of the verdict each sabotage must cause. */
const sabotages: Readonly<Record<string, RegExp>> = {
  swap: /saw data of/,
  leak: /still in progress/,
}
const brief: JobTimes = { search: 3000, pdf: 8000, review: 2000, chat: 2500, summary: 5000, slow: 30_000 }

function jobTimes(): JobTimes {
  // A sabotage is seen whatever the times are.
  const text = values['service-ms'] ?? (values.sabotage === undefined ? undefined : '1000')
  if (text === undefined) return brief
  const ms = Number(text)
  return { search: ms, pdf: ms, review: ms, chat: ms, summary: ms, slow: ms + 20_000 }
}

const { sabotage } = values
const symptom = sabotage === undefined ? undefined : sabotages[sabotage]
if (sabotage !== undefined && symptom === undefined) {
  process.stderr.write(`--sabotage takes ${Object.keys(sabotages).join(' or ')}, not ${sabotage}.\n`)
  process.exit(2)
}
const isInLine = values['glm-slots'] === '1' && sabotage === undefined
const times = jobTimes()
const report = await play({
  windows: Number(values.n ?? (sabotage === undefined ? 10 : 4)),
  times,
  isInLine,
  slots: { glm: Number(values['glm-slots']), kimi: Number(values['kimi-slots']) },
  preload: sabotage === undefined ? null : join(import.meta.dirname, 'sabotage', `${sabotage}.ts`),
})
process.stdout.write(`${isInLine ? toLineTable(report) : toTable(report)}\n\n`)
const errors = isInLine ? [...report.errors, ...judgeLine(report, times.chat)] : report.errors
for (const error of errors) process.stdout.write(`  ${error}\n`)
if (symptom === undefined) {
  const { length } = errors
  process.stdout.write(length === 0 ? 'No errors, no foreign marks.\n' : `${length} errors.\n`)
  process.exitCode = length === 0 ? 0 : 1
} else {
  const isSeen = errors.some((error) => symptom.test(error))
  process.stdout.write(
    isSeen ? `The sabotage "${sabotage}" was seen.\n` : `The sabotage "${sabotage}" was NOT seen.\n`,
  )
  process.exitCode = isSeen ? 0 : 1
}
