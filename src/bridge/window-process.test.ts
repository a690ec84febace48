import { expect, test } from 'vitest'
import type { ProcessFact, ProcessTable } from './process-table.ts'
import { findWindow } from './window-process.ts'

/** A line of ancestors, nearest first; the last one's parent is 1, an `init`. */
function ancestors(...lines: (readonly string[])[]): ProcessTable {
  const facts = lines.map(
    (argv, index): ProcessFact => ({
      pid: 100 - index,
      parentPid: index === lines.length - 1 ? 1 : 99 - index,
      startedAt: String(index),
      argv,
    }),
  )
  const init: ProcessFact = { pid: 1, parentPid: 0, startedAt: '0', argv: ['/sbin/init', 'splash'] }
  return (pid) => [...facts, init].find((fact) => fact.pid === pid) ?? null
}

const claude = ['claude']
const shells = [
  ['sh', '-c', 'exai id'],
  ['/bin/dash', '-c', 'exai id'],
  ['-bash'],
  ['/usr/bin/zsh', '-l'],
  ['fish'],
  ['busybox', 'sh'],
  ['cmd.exe', '/c', 'exai id'],
]
const runners = [
  ['npm exec exai id'],
  ['npx', 'exai', 'id'],
  ['node', '/usr/bin/npx', 'exai', 'id'],
  ['/usr/bin/node', '--no-warnings', '/usr/lib/node_modules/npm/bin/npm-cli.js', 'exec', 'exai'],
  ['node', '-r', './hook.cjs', '/usr/lib/node_modules/npm/bin/npx-cli.js', 'exai'],
  ['/opt/a folder/node', '/opt/a folder/node_modules/.bin/exai', 'id'],
  ['node', '/opt/exai/bin/exai.js', 'bridge'],
]

test('the parent is the window where the shell has replaced itself by us', () => {
  expect(findWindow(100, ancestors(claude))?.pid).toBe(100)
})

test.each([...shells, ...runners])('an ancestor that is %j is passed over', (...argv) => {
  expect(findWindow(100, ancestors(argv, claude))?.pid).toBe(99)
})

test('a chain of shells, npx and another exai is passed over to the window', () => {
  const chain = [['sh', '-c', 'exai id'], ['npm exec exai id'], ['sh', '-c', 'npx exai id'], claude, ['bash']]
  expect(findWindow(100, ancestors(...chain))?.pid).toBe(97)
})

test.each([
  [['claude']],
  [['node', '/home/ann/.local/bin/claude']],
  [['/usr/bin/node', '/opt/editor/server.js', 'sh']],
  [['/opt/an editor/editor', '--type=host']],
])('%j is a window', (argv) => {
  expect(findWindow(100, ancestors(argv))?.argv).toEqual(argv)
})

test('with only shells above, or none who can be seen, there is no window', () => {
  expect(findWindow(100, ancestors(['sh'], ['bash']))).toBeNull()
  expect(findWindow(100, () => null)).toBeNull()
  expect(findWindow(1, ancestors(claude))).toBeNull()
  expect(findWindow(0, ancestors(claude))).toBeNull()
})

test('a window that is process 1 of its container is found', () => {
  const table: ProcessTable = (pid) =>
    pid === 1 ? { pid: 1, parentPid: 0, startedAt: '7', argv: ['claude', '-p', 'hi'] } : null
  expect(findWindow(1, table)?.startedAt).toBe('7')
})

test('a circle in the table ends the search', () => {
  const table: ProcessTable = (pid) => ({ pid, parentPid: pid === 5 ? 6 : 5, startedAt: '0', argv: ['sh'] })
  expect(findWindow(5, table)).toBeNull()
})
