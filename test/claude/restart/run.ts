// `npm run test:claude -- --restart`: real windows calling for a minute while their server is killed outright and replaced under way.
// Exits 0 if no call was lost, none failed but those that a kill met (each once), and no vendor was asked twice. With `--sabotage cut`
// replaced servers do not serve to the end, and the exit code is turned round.

import { join } from 'node:path'
import { playRestarts } from './play.ts'
import { judgeRestarts } from './verdict.ts'

/** Flags as typed. */
export interface RestartFlags {
  readonly n?: string | undefined
  readonly seconds?: string | undefined
  readonly restarts?: string | undefined
  readonly sabotage?: string | undefined
}

/** Plays, prints, and answers the exit code. */
export async function runRestarts({ n, seconds, restarts, sabotage }: RestartFlags): Promise<number> {
  if (sabotage !== undefined && sabotage !== 'cut') {
    process.stderr.write(`--restart --sabotage takes cut, not ${sabotage}.\n`)
    return 2
  }
  const report = await playRestarts({
    windows: Number(n ?? (sabotage === undefined ? 10 : 6)),
    seconds: Number(seconds ?? (sabotage === undefined ? 60 : 40)),
    restarts: Number(restarts ?? (sabotage === undefined ? 3 : 2)),
    preload: sabotage === undefined ? null : join(import.meta.dirname, '..', 'sabotage', `${sabotage}.ts`),
  })
  const { table, sums, errors } = judgeRestarts(report)
  process.stdout.write(`${table}\n\n${errors.map((error) => `  ${error}\n`).join('')}`)
  process.stdout.write(`${JSON.stringify({ restart: sums })}\n`)
  if (sabotage === undefined) return errors.length === 0 ? 0 : 1
  const isSeen = sums.failedInPlannedRestart > 0
  process.stdout.write(`The sabotage "cut" was ${isSeen ? '' : 'NOT '}seen.\n`)
  return isSeen ? 0 : 1
}
