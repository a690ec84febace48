import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createDocuments } from '../documents/documents.ts'
import { createExtractor, type Extractor } from '../documents/extract.ts'
import { createRoots } from '../documents/roots.ts'
import { createUploads, type Uploads } from '../documents/uploads.ts'
import { type Asking, askNobody, type PersonAnswer, type PersonQuestion } from '../domain/asking.ts'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import type { ClientId, PrincipalName } from '../domain/ids.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { FolderConsents } from './folder-consents.ts'
import { DocumentOpener } from './open-document.ts'

let clock: VirtualClock
let home: string
let extractor: Extractor
let uploads: Uploads
let opener: DocumentOpener
let questions: PersonQuestion[]
let rootsAsked: number

beforeEach(async () => {
  clock = new VirtualClock()
  home = realpathSync(mkdtempSync(join(tmpdir(), 'open-document-')))
  for (const folder of ['api', 'notes', '.ssh']) {
    mkdirSync(join(home, folder))
    writeFileSync(join(home, folder, 'a.md'), `text of ${folder}`)
  }
  extractor = createExtractor({ clock })
  uploads = await createUploads({ dir: join(home, '.uploads'), clock })
  const documents = createDocuments({
    extractor,
    uploads,
    roots: createRoots({ homeDir: home, configured: [] }),
  })
  opener = new DocumentOpener(documents, new FolderConsents(() => clock.wallMs()))
  questions = []
  rootsAsked = 0
})

afterEach(async () => {
  await extractor.destroy()
  uploads.destroy()
  rmSync(home, { recursive: true })
})

const window = (more: Partial<Identity> = {}): Identity =>
  identityOf('local', 'window-1', { label: 'api@main', root: join(home, 'api'), ...more })

const person = (answer: PersonAnswer, roots: readonly string[] = []): Asking => ({
  ...askNobody,
  can: () => true,
  async elicit(question) {
    questions.push(question)
    return answer
  },
  async roots() {
    rootsAsked += 1
    return roots
  },
})
const cancel: PersonAnswer = { action: 'cancel' }
const allow = (what: 'file' | 'folder'): PersonAnswer => ({ action: 'accept', content: { allow: what } })

async function read(path: string, asking: Asking, identity = window()): Promise<string> {
  const signal = new AbortController().signal
  const caller = { tool: 'codereview', identity, signal, asking: () => asking, elsewhere: null }
  const { passages } = await opener.open({ path }, caller)
  return passages.map(({ text }) => text).join('')
}

describe('a path', () => {
  test("inside the window's folder asks nobody", async () => {
    expect(await read('a.md', person(cancel))).toBe('text of api')
    expect([questions.length, rootsAsked]).toEqual([0, 0])
  })

  test("in another folder that the client names asks for the client's folders alone", async () => {
    const asking = person(cancel, [join(home, 'notes')])
    expect(await read(join(home, 'notes', 'a.md'), asking)).toBe('text of notes')
    expect([questions.length, rootsAsked]).toEqual([0, 1])
  })

  test('outside asks the person, and a yes to the file is good once', async () => {
    const path = join(home, 'notes', 'a.md')
    expect(await read(path, person(allow('file')))).toBe('text of notes')
    expect(questions[0]?.message).toContain(path)
    await expect(read(path, askNobody)).rejects.toMatchObject({ code: 'path-not-allowed' })
  })

  test('outside is open after a yes to the folder: to this window, for eight hours', async () => {
    const path = join(home, 'notes', 'a.md')
    await read(path, person(allow('folder')))
    expect(await read(path, askNobody)).toBe('text of notes')
    for (const stranger of [
      window({ client: 'window-2' as ClientId }),
      window({ client: null }),
      window({ principal: 'anna' as PrincipalName }),
    ]) {
      await expect(read(path, askNobody, stranger)).rejects.toMatchObject({ code: 'path-not-allowed' })
    }
    await clock.advance(8 * 3_600_000)
    await expect(read(path, askNobody)).rejects.toMatchObject({ code: 'path-not-allowed' })
  })

  test('outside is refused when the person was not there to be asked, and they are asked the next time', async () => {
    const path = join(home, 'notes', 'a.md')
    const away = person({ action: 'cancel', isUnreached: true })
    await expect(read(path, away)).rejects.toMatchObject({ code: 'path-not-allowed' })
    expect(await read(path, person(allow('file')))).toBe('text of notes')
    expect(questions).toHaveLength(2)
  })

  test('outside is refused as ever after a no, and the person is left in peace for ten minutes', async () => {
    const path = join(home, 'notes', 'a.md')
    const plain = await read(path, askNobody).catch((error) => error.message)
    for (let time = 0; time < 3; time += 1) {
      await expect(read(path, person({ action: 'decline' }))).rejects.toThrow(plain)
    }
    expect(questions).toHaveLength(1)
    await clock.advance(600_000)
    await expect(read(path, person(cancel))).rejects.toThrow(plain)
    expect(questions).toHaveLength(2)
  })

  test('that no consent could open is not asked about', async () => {
    symlinkSync(join(home, 'notes', 'a.md'), join(home, 'api', 'link.md'))
    writeFileSync(join(home, 'mine.md'), 'in the home itself')
    const closed = [
      '/etc/hostname',
      join(home, '.ssh', 'a.md'),
      join(home, 'mine.md'),
      join(home, 'gone', 'a.md'),
    ]
    for (const path of [...closed, 'link.md']) {
      await expect(read(path, person(allow('folder')))).rejects.toMatchObject({ code: 'path-not-allowed' })
    }
    expect(questions).toEqual([])
  })

  test("of somebody who is not this computer's owner asks nobody", async () => {
    const guest = window({ principal: 'anna' as PrincipalName })
    const path = join(home, 'notes', 'a.md')
    await expect(read(path, person(allow('folder'), [home]), guest)).rejects.toThrow('may be read')
    expect([questions.length, rootsAsked]).toEqual([0, 0])
  })

  test('that a yes leads to is judged like any other: a file with keys stays closed', async () => {
    writeFileSync(join(home, 'notes', 'server.pem'), 'a key')
    const path = join(home, 'notes', 'server.pem')
    await expect(read(path, person(allow('folder')))).rejects.toThrow('holds keys')
  })
})

test('a window without a folder of its own is asked for its folders first', async () => {
  const identity = window({ root: null })
  expect(await read('a.md', person(cancel, [join(home, 'notes')]), identity)).toBe('text of notes')
  expect([questions.length, rootsAsked]).toEqual([0, 1])
})
