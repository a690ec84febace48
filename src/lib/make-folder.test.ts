import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder } from './make-folder.ts'

let base = ''
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'folder-'))
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

describe('makeFolder', () => {
  it('makes every level for its owner alone, and is content when it is there', async () => {
    const path = join(base, 'a', 'b', 'c')
    await Promise.all([makeFolder(path), makeFolder(path)])
    await makeFolder(path)
    expect(statSync(path).mode & 0o777).toBe(0o700)
  })

  it('ends with the reason where no folder can be made, also where the system says that its parent is missing', async () => {
    writeFileSync(join(base, 'file'), '')
    await expect(makeFolder(join(base, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeFolder(join(base, 'file', 'x'))).rejects.toMatchObject({ code: 'ENOTDIR' })
    await expect(makeFolder('/proc/exai-nowhere/x')).rejects.toMatchObject({ code: expect.any(String) })
  })
})
