// Memory of the server: idle, and what sessions cost, with their GET stream open and without.

import { type Contestant, startContestant } from './contestants.ts'
import { residentBytes } from './machine.ts'
import { openClients, openStream } from './sessions.ts'

// Resident memory: idle and what the first sessions add in MiB, and KiB a session with 100, 1,000 and 10,000 of them more.
interface MemorySample {
  readonly idleMiB: number
  readonly warmUpMiB: number
  readonly sessionKiB100: number
  readonly sessionKiB1000: number
  readonly sessionKiB10000: number
}

const settleMs = 3000
// So many sessions before those that are counted: until then the engine compiles and its nursery grows, once, whoever comes.
const warmUpSessions = 600

/** What two fresh servers hold, one whose sessions have their GET stream and one without, under the names of the bench's last line. */
export async function measureAllMemory(): Promise<Readonly<Record<string, number>>> {
  const withStream = await measureFresh(true)
  const without = await measureFresh(false)
  return {
    idleMiB: Math.round(Math.max(withStream.idleMiB, without.idleMiB)),
    warmUpMiB: Math.round(Math.max(withStream.warmUpMiB, without.warmUpMiB)),
    sessionKiB100: Math.round(withStream.sessionKiB100),
    sessionKiB1000: Math.round(withStream.sessionKiB1000),
    sessionKiB10000: Math.round(withStream.sessionKiB10000),
    sessionKiBWithoutStream:
      Math.round(Math.max(without.sessionKiB1000, without.sessionKiB10000) * 100) / 100,
  }
}

async function measureFresh(hasStreams: boolean): Promise<MemorySample> {
  const server = await startContestant('exai')
  try {
    const sample = await measureMemory(server, hasStreams)
    process.stderr.write(`memory ${hasStreams ? 'with streams' : 'without'}: ${JSON.stringify(sample)}\n`)
    return sample
  } finally {
    await server.stop()
  }
}

// The server is fresh.
async function measureMemory(contestant: Contestant, hasStreams: boolean): Promise<MemorySample> {
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
  const openUpTo = async (count: number): Promise<number> => {
    for (const client of await openClients(url, 'legacy', count - open)) {
      if (hasStreams) close.push(await openStream(url, client))
    }
    open = count
    return settled()
  }
  const warm = await openUpTo(warmUpSessions)
  const costAt = async (count: number): Promise<number> =>
    ((await openUpTo(warmUpSessions + count)) - warm) / 1024 / count
  const sessionKiB100 = await costAt(100)
  const sessionKiB1000 = await costAt(1000)
  const sessionKiB10000 = await costAt(10_000)
  for (const each of close) each()
  const warmUpMiB = (warm - idle) / 1024 / 1024
  return { idleMiB: idle / 1024 / 1024, warmUpMiB, sessionKiB100, sessionKiB1000, sessionKiB10000 }
}
