// Both vendors, simulated in a process of their own, and the weather at them: every few seconds other faults strike a few requests.

import { setTimeout as sleep } from 'node:timers/promises'
import { faultTables } from '../../simulator/fault-table.ts'
import { vendors } from '../../simulator/vendors.ts'
import type { Random } from '../../src/lib/random.ts'
import { launch, launcher } from '../support/launched.ts'

/** The vendors. */
export interface Vendors {
  readonly glm: string
  readonly kimi: string
  /** Faults change until the signal is aborted; then there are none. */
  storm(random: Random, signal: AbortSignal): Promise<void>
  /** Requests in flight, requests so far, and faults that struck. */
  stats(): Promise<{ readonly inFlight: number; readonly requests: number; readonly struck: number }>
  stop(): Promise<void>
}

interface VendorStats {
  readonly inFlight: number
  readonly requests: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<string, number>>
}

// They name a day weeks ahead, until which nothing would be asked there any more.
const tooLong = new Set(['code-1308', 'code-1310'])
// Weather, not an outage: with much more, all would stand before cooldowns and open breakers, and nothing else would be seen.
const calmMs = 3_000
const strikesMax = 2

/** Starts them. */
export async function startVendors(): Promise<Vendors> {
  const pace = { serviceMs: 60, chunkMs: null }
  const control = { glm: { ...pace, concurrency: 4 }, kimi: { ...pace, concurrency: 8 } }
  const child = launch(process.execPath, [
    launcher,
    'simulate',
    '--with-parent',
    '--port',
    '0',
    '--control',
    JSON.stringify(control),
  ])
  const [line] = await child.until(/\{"simulator":.*\}/)
  const { simulator, glm, kimi } = JSON.parse(line) as Record<'simulator' | 'glm' | 'kimi', string>
  const set = async (faults: (vendor: 'glm' | 'kimi') => readonly object[]): Promise<void> => {
    const body = JSON.stringify({ glm: { faults: faults('glm') }, kimi: { faults: faults('kimi') } })
    const response = await fetch(`${simulator}/__control`, { method: 'POST', body })
    if (!response.ok) throw new Error(`the simulator refused its weather: ${await response.text()}`)
    await response.arrayBuffer()
  }
  const names = Object.fromEntries(
    vendors.map((vendor) => [vendor, Object.keys(faultTables[vendor]).filter((name) => !tooLong.has(name))]),
  )
  return {
    glm,
    kimi,
    async storm(random, signal) {
      const below = (limit: number): number => Math.floor(random() * limit)
      while (!signal.aborted) {
        await set((vendor) => {
          const known = names[vendor] ?? []
          return [{ name: known[below(known.length)], times: 1 + below(strikesMax) }]
        })
        // The end of the storm is no failure.
        await sleep(calmMs * (0.5 + random()), undefined, { signal }).catch(() => undefined)
      }
      await set(() => [])
    },
    async stats() {
      const all = (await (await fetch(`${simulator}/__stats?log=0`)).json()) as Record<string, VendorStats>
      const sum = (counts: Readonly<Record<string, number>> = {}): number =>
        Object.values(counts).reduce((total, count) => total + count, 0)
      const each = vendors.map((vendor) => all[vendor])
      return {
        inFlight: each.reduce((total, one) => total + (one?.inFlight ?? 0), 0),
        requests: each.reduce((total, one) => total + sum(one?.requests), 0),
        struck: each.reduce((total, one) => total + sum(one?.faults), 0),
      }
    },
    async stop() {
      child.child.kill('SIGTERM')
      await child.ended
    },
  }
}
