// One measuring window: load from core 0 on one contestant, and what the contestant's processor did for it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Contestant, loadCore } from './contestants.ts'
import { processTime } from './machine.ts'
import { type Era, openClients } from './sessions.ts'

/** What is called, and how. */
export interface Lane {
  readonly name: string
  readonly transport: Era | 'websocket'
  readonly path: string
  /** A tool with one text, or `tools/list`. */
  readonly tool: string
  /** Default 32, each a client of its own. */
  readonly connections?: number
}

/** What a window showed. */
export interface Sample {
  readonly requests: number
  readonly cpuMicros: number
  /** Requests per second of the contestant's processor time. */
  readonly perCpuSecond: number
  /** Microseconds as the load saw them. */
  readonly p50: number
  readonly p99: number
}

interface Told {
  readonly requests: number
  readonly errors: number
  readonly wrong: number
  readonly p50: number
  readonly p99: number
}

const run = promisify(execFile)
const clientCount = 32
const textBytes = 64

/** Drives `lane` for `seconds`. Throws when an answer was an error or wrong: then there is nothing to measure. */
export async function measure(contestant: Contestant, lane: Lane, seconds: number): Promise<Sample> {
  const drive = lane.transport === 'websocket' ? driveWebSocket : driveHttp
  const window = await drive(contestant, lane, seconds)
  const { told } = window
  if (told.errors > 0 || told.wrong > 0 || told.requests === 0) {
    throw new Error(
      `${lane.name}: ${told.errors} errors and ${told.wrong} wrong answers in ${told.requests} requests`,
    )
  }
  return {
    requests: told.requests,
    cpuMicros: window.cpu / told.requests,
    perCpuSecond: (told.requests / window.cpu) * 1e6,
    p50: told.p50,
    p99: told.p99,
  }
}

interface Window {
  readonly told: Told
  readonly cpu: number
}

async function driveHttp(contestant: Contestant, lane: Lane, seconds: number): Promise<Window> {
  const url = `http://127.0.0.1:${contestant.port}${lane.path}`
  const era = lane.transport === 'modern' ? 'modern' : 'legacy'
  const connections = lane.connections ?? clientCount
  const clients = await openClients(url, era, connections)
  const folder = mkdtempSync(join(tmpdir(), 'exai-bench-'))
  const file = join(folder, 'clients')
  writeFileSync(file, clients.map((each) => `${each.session} ${each.version} ${each.client}\n`).join(''))
  const script = join(import.meta.dirname, 'call.lua')
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s', '-s', script, url, '--']
  try {
    return await watch(contestant, 'wrk', [...flags, file, lane.tool, era, String(textBytes)])
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function driveWebSocket(contestant: Contestant, lane: Lane, seconds: number): Promise<Window> {
  const url = `ws://127.0.0.1:${contestant.port}${lane.path}`
  const script = join(import.meta.dirname, 'ws-load.ts')
  const numbers = [clientCount, 1, textBytes, seconds].map(String)
  return watch(contestant, process.execPath, [script, url, lane.tool, ...numbers])
}

async function watch(contestant: Contestant, program: string, args: readonly string[]): Promise<Window> {
  const before = processTime(contestant.pid)
  const told = (await runLoad(program, args)) as Told
  return { told, cpu: processTime(contestant.pid) - before }
}

/** Runs a load on its core, and answers what it printed as `JSON{...}`. */
export async function runLoad(program: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run('taskset', ['-c', String(loadCore), program, ...args])
  const found = /JSON(\{.*\})/.exec(stdout)?.[1]
  if (found === undefined) throw new Error(`${program} printed no result:\n${stdout}`)
  return JSON.parse(found)
}
