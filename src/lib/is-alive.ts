// Whether a process lives, as far as its number tells: numbers are given again. One that has ended and that nobody has fetched, as may be
// for ever in a container without an init, does not live.

import { readFileSync } from 'node:fs'

/** True for a process that lives, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !isUnfetched(pid)
  } catch (error) {
    // Not ours to signal, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

// Linux alone says so. The state stands behind the program's name, which may hold anything.
function isUnfetched(pid: number): boolean {
  if (process.platform !== 'linux') return false
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.charAt(text.lastIndexOf(')') + 2) === 'Z'
  } catch {
    // Gone meanwhile, or a system that shows no processes: its number is all that is known.
    return false
  }
}
