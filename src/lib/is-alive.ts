// Whether a process lives. Numbers are given again, after a start of the machine or of a container often the same: where the system tells
// when a process began, that tells it from the next one of its number. One that has ended and that nobody has fetched, as may be for ever in
// a container without an init, does not live.

import { readFileSync } from 'node:fs'

/** True for a process that lives, whoever owns it. `birth`: as `birthOf` told it; null: whoever has its number now is taken for it. */
export function isAlive(pid: number, birth: string | null = null): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Not ours to signal, and alive.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  const fields = statusOf(pid)
  return fields === null || (fields[0] !== 'Z' && (birth === null || birth === birthIn(fields)))
}

/** When a process began, in digits and small letters that stand for no other moment of this machine; null: its system does not say so. */
export function birthOf(pid: number): string | null {
  const fields = statusOf(pid)
  return fields === null ? null : birthIn(fields)
}

// The state of a process, and what follows it; null: gone meanwhile, or a system that shows no processes. Only Linux does.
function statusOf(pid: number): readonly string[] | null {
  const text = readSystemFile(`/proc/${pid}/stat`)
  // It stands behind the program's name, which may hold anything.
  return text === null ? null : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

// Counted from the start of the machine, after which a number often begins at the same moment again.
function birthIn(fields: readonly string[]): string {
  const boot = readSystemFile('/proc/sys/kernel/random/boot_id') ?? ''
  return `${boot.slice(0, 8)}-${fields[19]}`
}

function readSystemFile(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // Its absence is an answer.
    return null
  }
}
