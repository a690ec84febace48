import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { parsePs, parseStat, systemProcessTable } from './process-table.ts'

test('a name with spaces and parentheses does not shift the fields of stat', () => {
  const fields = Array.from({ length: 17 }, (_, index) => String(index + 100))
  const stat = `41 (tmux: (server) x) S 7 ${fields.join(' ')} 987654 1 2\n`
  expect(parseStat(stat)).toEqual({ name: 'tmux: (server) x', parentPid: 7, startedAt: '987654' })
  expect(parseStat('nonsense')).toBeNull()
  expect(parseStat('1 (x) S')).toBeNull()
})

test('a line of ps is taken apart, days of one digit included', () => {
  const line = '  501     1 Sun Nov  2 13:30:25 2026 /usr/local/bin/node /Users/ann/x/claude --resume\n'
  expect(parsePs(line)).toEqual({
    pid: 501,
    parentPid: 1,
    startedAt: 'Sun Nov 2 13:30:25 2026',
    argv: ['/usr/local/bin/node', '/Users/ann/x/claude', '--resume'],
  })
  expect(parsePs('')).toBeNull()
})

test('this machine’s own table knows us and our parent', () => {
  const self = systemProcessTable(process.platform)(process.pid)
  expect(self?.pid).toBe(process.pid)
  expect(self?.parentPid).toBe(process.ppid)
  expect(self?.startedAt).toBeTruthy()
  expect(systemProcessTable(process.platform)(2 ** 30)).toBeNull()
})

test('ps, where this machine has one, and its format agree', () => {
  const output = execFileSync('sh', ['-c', 'command -v ps || true'], { encoding: 'utf8' }).trim()
  const viaPs = systemProcessTable('darwin')(process.pid)
  if (output === '') expect(viaPs).toBeNull()
  else expect(viaPs?.parentPid).toBe(process.ppid)
})
