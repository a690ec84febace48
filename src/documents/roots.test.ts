// Roots and reading against a real disk: links, pipes, hidden and key files, and a folder swapped under the reader.

import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import type { Identity } from '../domain/identity.ts'
import { localPrincipal, type PrincipalName } from '../domain/ids.ts'
import { readInside } from './read-inside.ts'
import { createRoots } from './roots.ts'

const never = new AbortController().signal
let base: string
let home: string
let project: string

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'roots-')))
  home = join(base, 'home')
  project = join(home, 'work', 'api')
  mkdirSync(project, { recursive: true })
  mkdirSync(join(base, 'other'))
  writeFileSync(join(base, 'other', 'private.txt'), 'OUTSIDE')
  writeFileSync(join(project, 'notes.md'), 'INSIDE')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

function window(root: string | null, principal: PrincipalName = localPrincipal, isLocal = true): Identity {
  return { team: null, principal, client: null, label: 'test', root, isLocal }
}

async function read(
  path: string,
  options: {
    root?: string | null
    configured?: string[]
    session?: string[]
    principal?: PrincipalName
    isLocal?: boolean
  } = {},
): Promise<string> {
  const roots = createRoots({ homeDir: home, configured: options.configured ?? [] })
  const root = options.root === undefined ? project : options.root
  const allowed = await roots.allowedFor(
    window(root, options.principal, options.isLocal),
    options.session ?? [],
  )
  return Buffer.from((await readInside(path, allowed, never)).bytes).toString()
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    (value) => expect.fail(`was read: ${String(value)}`),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CallFailure)
  expect((error as CallFailure).code).toBe('path-not-allowed')
  return (error as CallFailure).message
}

describe("a window's folder", () => {
  it('is read by full and by relative path', async () => {
    expect(await read(join(project, 'notes.md'))).toBe('INSIDE')
    expect(await read('notes.md')).toBe('INSIDE')
    expect(await read('./x/../notes.md')).toBe('INSIDE')
  })

  it('may be named by roots/list', async () => {
    expect(await read('notes.md', { root: null, session: [project] })).toBe('INSIDE')
    await refusal(read('notes.md', { root: null, session: ['relative/folder', 'nonsense', ''] }))
  })

  it('counts only inside the home or a configured root', async () => {
    const secret = join(base, 'other', 'private.txt')
    await refusal(read(secret, { root: join(base, 'other') }))
    await refusal(read(secret, { root: '/' }))
    await refusal(read(secret, { root: base }))
    expect(await read(secret, { root: join(base, 'other'), configured: [base] })).toBe('OUTSIDE')
  })

  it('is never the home itself, nor hidden, nor a link to elsewhere', async () => {
    writeFileSync(join(home, 'taxes.txt'), 'HOME')
    mkdirSync(join(home, '.ssh'))
    writeFileSync(join(home, '.ssh', 'notes'), 'HIDDEN')
    symlinkSync(join(base, 'other'), join(home, 'link'))
    await refusal(read(join(home, 'taxes.txt'), { root: home }))
    await refusal(read(join(home, '.ssh', 'notes'), { root: join(home, '.ssh') }))
    await refusal(read(join(home, 'link', 'private.txt'), { root: join(home, 'link') }))
    expect(await read(join(home, 'taxes.txt'), { root: null, configured: ['~'] })).toBe('HOME')
  })

  it('counts for nobody but the local principal', async () => {
    await refusal(read(join(project, 'notes.md'), { principal: 'somebody' as PrincipalName }))
  })

  it('counts for nobody on another computer, whose folders are not ours', async () => {
    const session = [project]
    await refusal(read(join(project, 'notes.md'), { root: null, session, isLocal: false }))
  })

  it('may lie behind a link of its own', async () => {
    symlinkSync(project, join(home, 'current'))
    expect(await read('notes.md', { root: join(home, 'current') })).toBe('INSIDE')
    expect(await read(join(home, 'current', 'notes.md'), { root: join(home, 'current') })).toBe('INSIDE')
  })
})

describe('what is refused', () => {
  it('never tells whether a file outside exists', async () => {
    symlinkSync(join(base, 'other'), join(project, 'way'))
    symlinkSync(join(base, 'other', 'private.txt'), join(project, 'there'))
    symlinkSync(join(base, 'other', 'nothing.txt'), join(project, 'gone'))
    const same = (text: string, path: string): string => text.replaceAll(path, 'PATH')
    const pairs: readonly [string, string][] = [
      [join(base, 'other', 'private.txt'), join(base, 'other', 'nothing.txt')],
      ['../../../other/private.txt', '../../../other/nothing.txt'],
      ['way/private.txt', 'way/nothing.txt'],
      ['there', 'gone'],
    ]
    for (const [exists, missing] of pairs) {
      expect(same(await refusal(read(exists)), exists)).toBe(same(await refusal(read(missing)), missing))
    }
  })

  it('says what is allowed and how to allow more', async () => {
    const message = await refusal(read(join(base, 'other', 'private.txt')))
    expect(message).toContain(`Allowed: ${project}.`)
    expect(message).toMatch(/exai id.*roots:.*exai upload/)
    expect(await refusal(read('/x', { root: null }))).toContain('No folder may be read yet.')
    expect(await refusal(read('x.txt', { root: null }))).toContain('Give the full path')
  })

  it('says so when a file inside is not there', async () => {
    expect(await refusal(read('typo.md'))).toContain('There is no file "typo.md"')
  })

  it.each([
    '.env',
    '.env.local',
    '.git/config',
    'sub/.hidden/x.txt',
    'server.pem',
    'id_rsa',
    'id_ed25519.pub',
    'tls.KEY',
    'a.p12',
    'credentials.json',
    'secrets.yaml',
  ])('never reads %s, nor by a harmless link', async (name) => {
    mkdirSync(join(project, name, '..'), { recursive: true })
    writeFileSync(join(project, name), 'KEY')
    symlinkSync(join(project, name), join(project, 'harmless.txt'))
    await refusal(read(name))
    await refusal(read('harmless.txt'))
  })

  it('refuses folders, pipes and devices at once', async () => {
    execFileSync('sh', ['-c', 'mkfifo pipe'], { cwd: project })
    expect(await refusal(read('pipe'))).toContain('no ordinary file')
    expect(await refusal(read('.'))).toContain('is a folder')
    expect(await refusal(read('/dev/zero', { configured: ['/dev'] }))).toContain('no ordinary file')
  })

  it('refuses empty, endless and zero-byte paths', async () => {
    for (const path of ['', 'x'.repeat(5_000), 'notes.md\0.txt']) await refusal(read(path))
  })

  it('refuses a file beyond 50 MiB before it is read', async () => {
    writeFileSync(join(project, 'big.txt'), '')
    truncateSync(join(project, 'big.txt'), 50 * 1024 * 1024 + 1)
    await expect(read('big.txt')).rejects.toMatchObject({ code: 'document-unreadable' })
  })

  it('stops when the caller leaves', async () => {
    const allowed = await createRoots({ homeDir: home, configured: [project] }).allowedFor(window(null), [])
    const gone = AbortSignal.abort(new CallFailure('client-gone', { message: 'gone' }))
    await expect(readInside(join(project, 'notes.md'), allowed, gone)).rejects.toMatchObject({
      code: 'client-gone',
    })
  })
})

it('never reads through a folder that is swapped for a link meanwhile', async () => {
  const inside = join(project, 'folder')
  mkdirSync(inside)
  writeFileSync(join(inside, 'private.txt'), 'INSIDE')
  symlinkSync(join(base, 'other'), join(project, 'trap'))
  const allowed = await createRoots({ homeDir: home, configured: [] }).allowedFor(window(project), [])
  const seen = { inside: 0, refused: 0 }
  for (let round = 0; round < 400; round++) {
    const reading = readInside(join(inside, 'private.txt'), allowed, never).then(
      (file) => Buffer.from(file.bytes).toString(),
      () => 'refused',
    )
    // The swap strikes at another moment of the reading each round.
    for (let turn = 0; turn < round % 12; turn++) await new Promise((next) => setImmediate(next))
    renameSync(inside, join(project, 'aside'))
    renameSync(join(project, 'trap'), inside)
    const text = await reading
    expect(text).not.toBe('OUTSIDE')
    if (text === 'INSIDE') seen.inside += 1
    else seen.refused += 1
    renameSync(inside, join(project, 'trap'))
    renameSync(join(project, 'aside'), inside)
  }
  expect(seen.inside + seen.refused).toBe(400)
})
