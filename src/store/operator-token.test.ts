import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readOrMakeOperatorToken } from './operator-token.ts'

let dataDir = ''
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'operator-token-'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

describe('an operator’s token', () => {
  it('is made once, also by several at the same moment, for its owner alone', async () => {
    const all = await Promise.all([1, 2, 3, 4].map(() => readOrMakeOperatorToken(dataDir)))
    const [first, ...others] = all.map((token) => token.reveal())
    expect(first).toMatch(/^[\w-]{43}$/)
    expect(new Set(others)).toEqual(new Set([first]))
    expect((await readOrMakeOperatorToken(dataDir)).reveal()).toBe(first)
    const path = join(dataDir, 'operator-token')
    expect(readFileSync(path, 'utf8')).toBe(`${first}\n`)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dataDir)).toEqual(['operator-token'])
    expect(String(all[0])).toBe('***')
  })

  it('that is damaged or cannot be written is a sentence, without a piece of it', async () => {
    writeFileSync(join(dataDir, 'operator-token'), 'short')
    await expect(readOrMakeOperatorToken(dataDir)).rejects.toThrow(/is damaged\. Remove it and start again/)
    await expect(readOrMakeOperatorToken(dataDir)).rejects.not.toThrow(/short/)
    await expect(readOrMakeOperatorToken(join(dataDir, 'nowhere'))).rejects.toThrow(
      'cannot be written (ENOENT)',
    )
  })
})
