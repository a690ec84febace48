// Was it quiet? What others took of the processors while something was measured; what was loud is measured again, once the
// machine has calmed down.

import { setTimeout as sleep } from 'node:timers/promises'
import { machineTime, processTime } from './machine.ts'

/** Share of all processors that others may take while we measure. */
export const foreignMax = 0.15
const repeatsMax = 3
const calmShare = 0.05
const calmSeconds = 2
const calmTries = 20

/** The machine was too loud, `repeatsMax` repeats included. */
export class Unmeasured extends Error {}

/** Runs `play`, and answers with it the share of all processors that neither this process nor its children took meanwhile. */
async function watched<Result>(play: () => Promise<Result>): Promise<{ result: Result; foreign: number }> {
  const machineBefore = machineTime()
  const ownBefore = processTime(process.pid)
  const result = await play()
  const machine = machineTime()
  // Contestants and load are children of this process, so its books hold theirs; what has ended is in there too.
  const own = processTime(process.pid) - ownBefore
  const foreign = (machine.busy - machineBefore.busy - own) / (machine.total - machineBefore.total)
  return { result, foreign: Math.max(0, foreign) }
}

/**
 * What `play` showed in a quiet window: a loud one is repeated, three times at most, each time once the machine is calm or 40 s are
 * over. Throws {@link Unmeasured}; with `isLoudAllowed` takes whatever comes.
 */
export async function quietly<Result>(
  name: string,
  isLoudAllowed: boolean,
  play: () => Promise<Result>,
): Promise<Result> {
  for (let repeat = 0; ; repeat++) {
    const { result, foreign } = await watched(play)
    if (foreign <= foreignMax || isLoudAllowed) return result
    process.stderr.write(`${name}: others took ${(foreign * 100).toFixed(0)} % of the processors\n`)
    if (repeat === repeatsMax) throw new Unmeasured(name)
    await calm()
  }
}

async function calm(): Promise<void> {
  for (let i = 0; i < calmTries; i++) {
    const { foreign } = await watched(() => sleep(calmSeconds * 1000))
    if (foreign <= calmShare) return
  }
}
