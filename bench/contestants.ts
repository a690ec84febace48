// Who is measured: the limits (hand-written servers that check nothing) and our server with two trivial tools more. Each
// runs alone on core 1; load runs on core 0.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { createConnection } from 'node:net'
import { join } from 'node:path'
import { dropSockets } from './sessions.ts'

/** The contestants by name. */
export type ContestantName = 'bare' | 'bare-sessions' | 'bare-ws' | 'bare-list' | 'exai'

/** A running contestant. */
export interface Contestant {
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** The core of the load; the contestant has the other. */
export const loadCore = 0
const contestantCore = 1
const here = import.meta.dirname
const results = join(here, 'results')

interface Command {
  readonly port: number
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** The list that `bare-list` answers with; whoever starts it writes it. */
export const listFile: string = join(results, 'list.json')
const bare = join(here, 'baseline', 'upstream', 'http.mjs')
const commands: Readonly<Record<ContestantName, Command>> = {
  bare: { port: 4101, args: [bare, '4101'] },
  'bare-sessions': { port: 4104, args: [bare, '4104'], env: { SESSIONS: '1' } },
  'bare-list': { port: 4105, args: [join(here, 'list-echo.ts'), '4105', listFile] },
  'bare-ws': { port: 4102, args: [join(here, 'ws-echo.ts'), '4102'] },
  exai: { port: 4103, args: [join(results, 'wire-server.mjs'), '4103'] },
}

/** Starts a contestant afresh and waits until it listens. */
export async function startContestant(name: ContestantName): Promise<Contestant> {
  const { port, args, env = {} } = commands[name]
  mkdirSync(results, { recursive: true })
  if (name === 'exai') writeWireServer()
  const log = openSync(join(results, `${name}.log`), 'w')
  const child = spawn('taskset', ['-c', String(contestantCore), process.execPath, ...args], {
    stdio: ['ignore', log, log],
    cwd: here,
    env: { ...process.env, ...env },
  })
  const killIt = (): void => void child.kill('SIGKILL')
  const stop = async (): Promise<void> => {
    process.off('exit', killIt)
    dropSockets()
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    const timer = setTimeout(killIt, 5000)
    await ended
    clearTimeout(timer)
  }
  process.once('exit', killIt)
  await listening(child, port, name)
  return { pid: child.pid ?? 0, port, stop }
}

/**
 * Writes our server as plain JavaScript, like the others, and answers where: Node's own type stripper would stay in its memory, 20 MiB
 * that no server pays. It is started in this folder.
 */
export function writeWireServer(): string {
  const file = join(results, 'wire-server.mjs')
  mkdirSync(results, { recursive: true })
  writeFileSync(file, stripTypeScriptTypes(readFileSync(join(here, 'wire-server.ts'), 'utf8')))
  return file
}

async function listening(child: ChildProcess, port: number, name: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (child.exitCode !== null) break
    if (await isOpen(port)) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`${name} does not listen on ${port}; see bench/results/${name}.log`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = createConnection(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
}
