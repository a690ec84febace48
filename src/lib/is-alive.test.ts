import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test, vi } from 'vitest'
import { birthOf, isAlive } from './is-alive.ts'

test('this process lives, and one that has ended and was fetched does not', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  expect(isAlive(process.pid)).toBe(true)
  expect(isAlive(child.pid ?? 0)).toBe(false)
})

test('one that began at another time is not the one that has its number now, where the system says when', async () => {
  const isTold = process.platform === 'linux'
  const child = spawn('sleep', ['600'])
  try {
    const [ours, theirs] = [birthOf(process.pid), birthOf(child.pid ?? 0)]
    expect(theirs !== null && /^[0-9a-f]{8}-\d+$/.test(theirs)).toBe(isTold)
    expect(isAlive(child.pid ?? 0, theirs)).toBe(true)
    expect(isAlive(child.pid ?? 0, ours)).toBe(!isTold)
    // It stays the same.
    expect(birthOf(process.pid)).toBe(ours)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  expect(birthOf(child.pid ?? 0)).toBe(null)
})

test('one that has ended and that nobody fetches does not live, where the system says so', async () => {
  const doesLive = process.platform !== 'linux'
  // What takes the shell's place knows nothing of the shell's child.
  const heir = `exec ${process.execPath} -e 'console.log(process.argv[1]); setInterval(String, 1000)' $!`
  const parent = spawn('sh', ['-c', `sleep 600 & ${heir}`])
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    expect(isAlive(pid)).toBe(true)
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(isAlive(pid)).toBe(doesLive), 60_000)
    // Its number is still taken.
    expect(process.kill(pid, 0)).toBe(true)
  } finally {
    parent.kill('SIGKILL')
    await once(parent, 'exit')
  }
})
