import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { expect, test } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createLog } from './log.ts'

// A process of its own, because it must end while lines wait.
function logged(howItEnds: string): string[] {
  const script = `
    import { createLog } from '${new URL('log.ts', import.meta.url)}'
    import { systemClock } from '${new URL('../lib/clock.ts', import.meta.url)}'
    const log = createLog('info', systemClock)
    for (let i = 0; i < 300; i++) log.logger.info({ i }, 'a line of some length, ends with é')
    ${howItEnds}`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return stderr.trim().split('\n')
}

test('destroy loses no line, and keeps their order', () => {
  expect(numbersOf(logged('await log.destroy()'))).toEqual(numbers)
})

test('a process that exits while a piece is being written loses no line', () => {
  expect(numbersOf(logged('process.exit(3)')).toSorted((a, b) => a - b)).toEqual(numbers)
})

test('an end by destroy may be followed by an exit', () => {
  expect(numbersOf(logged('await log.destroy(); process.exit(3)'))).toEqual(numbers)
})

test('a bug is an error with its place in our code', async () => {
  const lines: string[] = []
  const log = createLog('info', new VirtualClock(), { write: (line) => void lines.push(line) })
  log.bug(new Error('a write that threw'))
  const [line] = lines.map((each) => JSON.parse(each) as { level: number; msg: string; detail: string })
  expect(line).toMatchObject({ level: 50, msg: 'bug' })
  expect(line?.detail).toMatch(/^Error: a write that threw\n +at .*log\.test\.ts/)
  await log.destroy()
})

test('a bug is told with keys masked and within bounds, a flood of it once, and counted to the last', async () => {
  const lines: string[] = []
  const log = createLog('info', new VirtualClock(), { write: (line) => void lines.push(line) })
  const key = `exai_${'k3Y'.repeat(16)}`
  for (let i = 0; i < 500; i++) {
    log.bug(new TypeError(`Bearer very-secret sk-0123456789 and ${key}`), 'unhandled-rejection')
    log.mcp({ type: 'surface-failed', error: new Error('x'.repeat(100_000)) })
  }
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
    'unhandled-rejection',
    'surface-failed',
  ])
  expect(lines[0]).toContain('TypeError: Bearer … sk-… and exai_…')
  expect(lines.join('')).not.toMatch(/very-secret|0123456789|k3Y/)
  expect(lines[1]?.length).toBeLessThan(10_000)
  expect(log.bugs()).toEqual({ 'unhandled-rejection': 500, 'surface-failed': 500 })
  await log.destroy()
})

test('a stderr that can no longer be written ends neither the process nor its exit code', () => {
  const script = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { createLog } from '${new URL('log.ts', import.meta.url)}'
    import { systemClock } from '${new URL('../lib/clock.ts', import.meta.url)}'
    const log = createLog('info', systemClock)
    for (let turn = 0; turn < 3; turn++) {
      log.bug(new Error('written at once'), 'uncaught-exception')
      await sleep(20)
    }
    log.logger.info('waits in the buffer')
    process.stdout.write('alive')
    process.exitCode = 3`
  // Opened for reading: every write fails.
  const broken = openSync(devNull, 'r')
  const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', broken],
    timeout: 60_000,
  })
  closeSync(broken)
  expect([stdout, status]).toEqual(['alive', 3])
})

const numbers = Array.from({ length: 300 }, (_, i) => i)

function numbersOf(lines: readonly string[]): number[] {
  return lines.map((line) => {
    const { i, msg } = JSON.parse(line) as { i: number; msg: string }
    expect(msg).toMatch(/é$/)
    return i
  })
}
