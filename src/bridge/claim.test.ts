import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClaimFacts, claimHeaders, hostFacts, projectFolder } from './claim.ts'

let scratch = ''
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-claim-'))
})
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

function repository(name: string, head: string): string {
  const folder = join(scratch, name)
  mkdirSync(join(folder, '.git'), { recursive: true })
  writeFileSync(join(folder, '.git', 'HEAD'), head)
  return folder
}

function facts(over: Partial<ClaimFacts> = {}): ClaimFacts {
  return {
    parentPid: 50,
    table: (pid) => (pid === 50 ? { pid: 50, parentPid: 1, startedAt: '900', argv: ['claude'] } : null),
    host: 'ann',
    folder: scratch,
    ...over,
  }
}

function labelIn(folder: string): string {
  return decodeURIComponent(claimHeaders(facts({ folder }))['x-exai-label'] ?? '')
}

test('the id is stable for a window and another one for any other pid, start or host', () => {
  const id = (over: Partial<ClaimFacts>): string | undefined => claimHeaders(facts(over))['x-exai-client']
  const other = (change: object): ClaimFacts['table'] => {
    const window = { pid: 50, parentPid: 1, startedAt: '900', argv: ['claude'], ...change }
    return () => window
  }
  expect(id({})).toMatch(/^[A-Za-z0-9_-]{22}$/)
  expect(id({ folder: '/elsewhere' })).toBe(id({}))
  const ids = [
    id({}),
    id({ host: 'bob' }),
    id({ table: other({ pid: 51 }) }),
    id({ table: other({ startedAt: '901' }) }),
  ]
  expect(new Set(ids).size).toBe(4)
})

test('without a window nothing is claimed', () => {
  expect(claimHeaders(facts({ table: () => null }))).toEqual({})
})

test('the label is folder and branch, and every value survives a header', () => {
  const folder = repository('münchen "api" 50%', 'ref: refs/heads/fix/ünï\n')
  const headers = claimHeaders(facts({ folder }))
  expect(labelIn(folder)).toBe('münchen "api" 50%@fix/ünï')
  expect(decodeURIComponent(headers['x-exai-root'] ?? '')).toBe(folder)
  for (const value of Object.values(headers)) expect(value).toMatch(/^[\x21-\x7e]+$/)
})

test('a folder inside a repository has its branch; a detached head shows a short commit; no repository, no branch', () => {
  const folder = repository('api', 'ref: refs/heads/main\n')
  mkdirSync(join(folder, 'src', 'deep'), { recursive: true })
  expect(labelIn(join(folder, 'src', 'deep'))).toBe('deep@main')
  expect(labelIn(repository('cut', `${'ab12cd34'.repeat(5)}\n`))).toBe('cut@ab12cd3')
  mkdirSync(join(scratch, 'plain'))
  expect(labelIn(join(scratch, 'plain'))).toBe('plain')
  expect(labelIn(repository('reftable', 'ref: refs/heads/.invalid\n'))).toBe('reftable')
  expect(labelIn(repository('broken', 'what is this'))).toBe('broken')
})

test('a worktree and a submodule are followed through their .git file', () => {
  const main = repository('main', 'ref: refs/heads/main\n')
  const admin = join(main, '.git', 'worktrees', 'wt')
  mkdirSync(admin, { recursive: true })
  writeFileSync(join(admin, 'HEAD'), 'ref: refs/heads/wt-branch\n')
  for (const [name, target] of [
    ['wt', admin],
    ['sub', '../main/.git/worktrees/wt'],
  ] as const) {
    mkdirSync(join(scratch, name))
    writeFileSync(join(scratch, name, '.git'), `gitdir: ${target}\n`)
    expect(labelIn(join(scratch, name))).toBe(`${name}@wt-branch`)
  }
})

test('a path too long for a header is left out, the rest stays', () => {
  const headers = claimHeaders(facts({ folder: `/${'ü'.repeat(2000)}` }))
  expect(Object.keys(headers)).toEqual(['x-exai-client', 'x-exai-label'])
})

test('a name in a broken encoding does not stop the claim', () => {
  expect(claimHeaders(facts({ folder: '/x/\ud800y' }))['x-exai-label']).toBe(encodeURIComponent('\ufffdy'))
})

test('the folder is the one the program names, else the current one, else none', () => {
  expect(projectFolder('/named', () => '/here')).toBe('/named')
  expect(projectFolder('relative', () => '/here')).toBe('/here')
  expect(projectFolder(undefined, () => '/here')).toBe('/here')
  const gone = (): string => {
    throw new Error('ENOENT: no such file or directory, uv_cwd')
  }
  expect(projectFolder(undefined, gone)).toBeNull()
})

test('the host is told by more than its name where the system allows it', () => {
  expect(hostFacts()).toBe(hostFacts())
  if (process.platform === 'linux') expect(hostFacts().split('\n').filter(Boolean)).toHaveLength(3)
})
