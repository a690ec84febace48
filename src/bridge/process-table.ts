// Reads facts of one process from the operating system: Linux from /proc, macOS (and other Unix) by asking `ps`.
// Runs on Node 20 with built-ins alone. A process that is gone or not ours to see is null, never an error: the caller's
// answer is then "no window found".

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What is known of a process. */
export interface ProcessFact {
  readonly pid: number
  readonly parentPid: number
  /** When it started, in the system's own notation; with the pid it names a process for the machine's life. */
  readonly startedAt: string
  /** Its arguments, program first; one element, or split at spaces, where the system does not tell them apart. */
  readonly argv: readonly string[]
}

/** Looks a process up by its id. */
export type ProcessTable = (pid: number) => ProcessFact | null

/** The table of the machine we run on. */
export function systemProcessTable(platform: NodeJS.Platform): ProcessTable {
  if (platform === 'linux') return fromProc
  if (platform === 'win32') return () => null
  return fromPs
}

function fromProc(pid: number): ProcessFact | null {
  try {
    const fact = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    if (fact === null) return null
    const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean)
    return { pid, ...fact, argv: argv.length > 0 ? argv : [fact.name] }
  } catch {
    // Gone between two looks, or hidden from us: to the caller both mean that it cannot be known.
    return null
  }
}

/** Parses `/proc/PID/stat` (proc(5)): the name stands in parentheses and may itself hold spaces and parentheses. */
export function parseStat(stat: string): { name: string; parentPid: number; startedAt: string } | null {
  const end = stat.lastIndexOf(')')
  if (end < 0) return null
  const name = stat.slice(stat.indexOf('(') + 1, end)
  const fields = stat.slice(end + 2).split(' ')
  const parentPid = Number(fields[1])
  const startedAt = fields[19]
  if (!Number.isInteger(parentPid) || startedAt === undefined) return null
  return { name, parentPid, startedAt }
}

function fromPs(pid: number): ProcessFact | null {
  try {
    const output = execFileSync('ps', ['-ww', '-o', 'pid=,ppid=,lstart=,command=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: 2_000,
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return parsePs(output)
  } catch {
    // `ps` exits with 1 for a process that is gone; without `ps` nothing can be known.
    return null
  }
}

/** Parses one line of `ps -o pid=,ppid=,lstart=,command=` in the C locale (the date is five words). */
export function parsePs(output: string): ProcessFact | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(\S.*?)\s*$/m.exec(output)
  if (match === null) return null
  const [, pid, parentPid, startedAt, command] = match
  if (startedAt === undefined || command === undefined) return null
  return {
    pid: Number(pid),
    parentPid: Number(parentPid),
    startedAt: startedAt.replace(/\s+/g, ' '),
    argv: command.split(/\s+/),
  }
}
