// The simulator as a process of its own: GLM with so many slots and so long a service time.

import { type Launched, launch, launcher } from '../support/launched.ts'
import type { Vendor } from './load.ts'

/** The vendor under all contestants. */
export interface SimulatedVendor {
  readonly glm: string
  /** Resolves when nothing is in flight; throws after ten seconds. */
  settle(): Promise<void>
  stop(): Promise<void>
}

/** Starts it. */
export async function startVendor({ slots, serviceMs }: Vendor): Promise<SimulatedVendor> {
  const control = { glm: { concurrency: slots, serviceMs, chunkMs: null } }
  const args = ['simulate', '--port', '0', '--control', JSON.stringify(control)]
  const child = launch(process.execPath, [launcher, ...args])
  const [line] = await child.until(/\{"simulator":.*\}/)
  const { simulator, glm } = JSON.parse(line) as { simulator: string; glm: string }
  const busy = async (): Promise<number> => {
    const response = await fetch(`${simulator}/__stats?log=0`)
    return ((await response.json()) as { glm: { inFlight: number } }).glm.inFlight
  }
  return {
    glm,
    async settle() {
      const end = performance.now() + 10_000
      while ((await busy()) > 0) {
        if (performance.now() > end) throw new Error('The vendor still has requests in flight.')
        await new Promise((done) => setTimeout(done, 50))
      }
    },
    stop: () => ended(child),
  }
}

/** Ends a process as its person would. */
export async function ended(child: Launched): Promise<void> {
  child.child.kill('SIGTERM')
  await child.ended
}
