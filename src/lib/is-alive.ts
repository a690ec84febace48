// Whether a process lives, as far as its number tells: numbers are given again.

/** True for a process that lives, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not ours to signal, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
