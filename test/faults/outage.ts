// A total outage of one vendor: two hundred calls, each for a model of its own, so that no breaker and no cooldown spares the vendor
// and the retry budget stands alone. Nothing else answers for them.

import { openFaultServer } from './fault-server.ts'

/** What the vendor saw. */
export interface OutageCount {
  readonly attempts: number
  readonly firstAttempts: number
  /** Retries that needed no earning in that time: a burst of ten at first, then ten a minute. */
  readonly floor: number
  /** What was still taken when all was over: to be empty. */
  readonly left: readonly string[]
}

const calls = 200
const floorPerMinute = 10

/** Makes the calls one after another. */
export async function totalOutage(): Promise<OutageCount> {
  const server = await openFaultServer({ simulator: { glm: { faults: ['server-error'] } }, known: ['glm'] })
  const { window, simulator } = server
  const asked = (): number => simulator.stats(0).glm.requests.chat ?? 0
  let firstAttempts = 0
  for (let index = 0; index < calls; index++) {
    const before = asked()
    const { isError } = await server.outlast(
      window.call('chat', { model: `glm-outage-${index}`, prompt: 'Is anybody there?' }),
    )
    if (!isError) throw new Error('a vendor in a total outage has answered')
    if (asked() > before) firstAttempts++
  }
  const attempts = asked()
  const floor = floorPerMinute * (1 + server.now() / 60_000)
  const { left } = await server.close()
  return { attempts, firstAttempts, floor, left }
}
