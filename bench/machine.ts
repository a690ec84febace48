// What the machine's own books say (Linux): processor time of a process with its children, what others took meanwhile,
// and memory. Ticks are 10 ms, so windows of some seconds are good to about a percent.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const tickMicros = 10_000

/**
 * Processor time in microseconds: all processors busy with somebody's programs (of this machine, or of another on the same hardware:
 * "steal"), and all together. What the kernel does between interrupts is in nobody's books: on loopback it is our own packets.
 */
export interface MachineTime {
  readonly busy: number
  readonly total: number
}

/** The machine's processor time since it started. */
export function machineTime(): MachineTime {
  const line = readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number)
  const total = ticks.reduce((sum, each) => sum + each, 0)
  const [, , , idle = 0, ioWait = 0, interrupts = 0, softInterrupts = 0] = ticks
  return {
    busy: (total - idle - ioWait - interrupts - softInterrupts) * tickMicros,
    total: total * tickMicros,
  }
}

/** Processor time of a process and its living children, in microseconds; what the process waited for is included. */
export function processTime(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + ownTime(each), 0)
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const found = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(found?.[1] ?? 0) * 1024
}

/** Keeps all threads of this process on one core. A thread that ends meanwhile makes `taskset` fail: then once more. */
export function pinTo(core: number): void {
  for (let attempt = 1; ; attempt++) {
    const { status, stderr } = spawnSync('taskset', ['-apc', String(core), String(process.pid)], {
      encoding: 'utf8',
    })
    if (status === 0) return
    if (attempt === 3) throw new Error(`taskset: ${stderr}`)
  }
}

function ownTime(pid: number): number {
  const fields = statOf(pid)
  return [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0) * tickMicros
}

// Fields after the command's name, which may hold anything: [1] is the parent.
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    // It ended meanwhile; what it used is in its parent's books.
    return []
  }
}

function treeOf(root: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statOf(Number(name))[1] ?? 0)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (let at = 0; at < tree.length; at++) tree.push(...(children.get(tree[at] ?? 0) ?? []))
  return tree
}
