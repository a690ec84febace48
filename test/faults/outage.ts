// A total outage of one vendor: two hundred jobs, each for a model of its own, so that no breaker and no cooldown spares the vendor
// and the retry budget stands alone. Nothing else answers for them.

import type { Simulator } from '../../simulator/server.ts'
import { arm, openWorld } from './fault-world.ts'

/** What the vendor saw. */
export interface OutageCount {
  readonly attempts: number
  readonly firstAttempts: number
  /** Retries that needed no earning in that time: a burst of ten at first, then ten a minute. */
  readonly floor: number
}

const jobs = 200
const floorPerMinute = 10

/** Runs the jobs one after another. */
export async function totalOutage(simulator: Simulator): Promise<OutageCount> {
  arm(simulator, { glm: { faults: ['server-error'] } })
  const world = openWorld(simulator, 11)
  let attempts = 0
  let firstAttempts = 0
  for (let index = 0; index < jobs; index++) {
    const story = await world.run({
      draft: {
        kind: 'generate',
        task: 'chat',
        messages: [{ role: 'user', content: 'Is anybody there?' }],
        outputTokensMax: 256,
      },
      model: `glm-outage-${index}`,
    })
    attempts += story.attempts.length
    if (story.attempts.length > 0) firstAttempts++
  }
  await world.destroy()
  return { attempts, firstAttempts, floor: floorPerMinute * (1 + world.now() / 60_000) }
}
