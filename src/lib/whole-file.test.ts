import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WholeFile } from './whole-file.ts'

let folder = ''
let file: WholeFile
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'whole-file-'))
  file = new WholeFile(join(folder, 'it'), 'The thing')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('is made once, and whoever comes later takes what is there', async () => {
  expect(await file.read()).toBeNull()
  const texts = ['a', 'b', 'c', 'd']
  const [made, ...others] = await Promise.all(texts.map((text) => file.makeOnce(text)))
  expect(texts).toContain(made)
  expect(new Set(others)).toEqual(new Set([made]))
  expect(await file.makeOnce('e')).toBe(made)
  expect(statSync(file.path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['it'])
})

test('is replaced as a whole, by many at once too, and is its owner’s alone from then on', async () => {
  writeFileSync(file.path, 'old', { mode: 0o644 })
  const texts = Array.from({ length: 8 }, (_, n) => String(n).repeat(10_000))
  await Promise.all(texts.map((text) => file.replace(text)))
  expect(texts).toContain(await file.read())
  expect(statSync(file.path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['it'])
})

test('that cannot be written or read is a sentence, and leaves no draft', async () => {
  mkdirSync(join(folder, 'it', 'inside'), { recursive: true })
  await expect(file.replace('x')).rejects.toThrow(
    /^The thing .*\/it cannot be written \(E\w+\)\. Its folder must be writable/,
  )
  await expect(file.read()).rejects.toThrow('cannot be read (EISDIR).')
  expect(readdirSync(folder)).toEqual(['it'])
  const below = new WholeFile(join(folder, 'none', 'it'), 'The thing')
  await expect(below.makeOnce('x')).rejects.toThrow('cannot be written (ENOENT)')
})
