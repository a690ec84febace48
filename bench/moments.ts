// What load does not show: the wait of calls that are few, the stall when many leave, and what opening a session costs.

import { join } from 'node:path'
import type { Contestant } from './contestants.ts'
import { runLoad } from './load.ts'
import { processTime } from './machine.ts'
import { openClients } from './sessions.ts'

interface Paced {
  readonly before: { readonly p50: number; readonly p99: number }
  readonly after: { readonly p50: number; readonly p99: number }
  readonly errors: number
}

const callsPerSecond = 500
const leavers = 64
const sessions = 1500

async function pace(contestant: Contestant, before: number, after: number, leave: number): Promise<Paced> {
  const url = `http://127.0.0.1:${contestant.port}/mcp`
  const script = join(import.meta.dirname, 'paced-load.ts')
  const told = await runLoad(process.execPath, [
    script,
    url,
    ...[callsPerSecond, before, after, leave].map(String),
  ])
  const paced = told as Paced
  if (paced.errors > 0) throw new Error(`${paced.errors} paced calls went wrong`)
  return paced
}

/** The 99th percentile of 500 calls a second, in microseconds. */
export async function pacedP99(contestant: Contestant, seconds: number): Promise<number> {
  return (await pace(contestant, seconds, 0, 0)).before.p99
}

/** 64 clients, each with its stream and a call, leave at once: the others' 99th percentile after against before. */
export async function leaveStall(contestant: Contestant, seconds: number): Promise<number> {
  const { before, after } = await pace(contestant, seconds, seconds, leavers)
  return after.p99 / before.p99
}

/** Sessions opened (`initialize`, then `initialized`) per second of the contestant's processor time. */
export async function sessionsPerCpuSecond(contestant: Contestant): Promise<number> {
  const url = `http://127.0.0.1:${contestant.port}/mcp`
  await openClients(url, 'legacy', 200)
  const before = processTime(contestant.pid)
  await openClients(url, 'legacy', sessions)
  return (sessions / (processTime(contestant.pid) - before)) * 1e6
}
