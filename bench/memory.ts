// Memory of the server: idle, and what sessions cost, with their GET stream open and without.

import type { Contestant } from './contestants.ts'
import { residentBytes } from './machine.ts'
import { openClients, openStream } from './sessions.ts'

/** Resident memory: idle in MiB, and KiB a session with 100, 1,000 and 10,000 of them. */
export interface MemorySample {
  readonly idleMiB: number
  readonly sessionKiB100: number
  readonly sessionKiB1000: number
  readonly sessionKiB10000: number
}

const settleMs = 3000

/** Measures a freshly started server, whose sessions have their GET stream or not. */
export async function measureMemory(contestant: Contestant, hasStreams: boolean): Promise<MemorySample> {
  const url = `http://127.0.0.1:${contestant.port}/mcp`
  const settled = async (): Promise<number> => {
    await new Promise((done) => setTimeout(done, settleMs))
    return residentBytes(contestant.pid)
  }
  // One client first: code that is loaded on first use is no cost of a session.
  await openClients(url, 'legacy', 1)
  const idle = await settled()
  const close: (() => void)[] = []
  let open = 0
  const costAt = async (count: number): Promise<number> => {
    for (const client of await openClients(url, 'legacy', count - open)) {
      if (hasStreams) close.push(await openStream(url, client))
    }
    open = count
    return ((await settled()) - idle) / 1024 / count
  }
  const sessionKiB100 = await costAt(100)
  const sessionKiB1000 = await costAt(1000)
  const sessionKiB10000 = await costAt(10_000)
  for (const each of close) each()
  return { idleMiB: idle / 1024 / 1024, sessionKiB100, sessionKiB1000, sessionKiB10000 }
}
