import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { StateFile } from './state-file.ts'

const schema = z.object({ count: z.int() })
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'))
  path = join(folder, 'state.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('a state file', () => {
  it('holds the last of many changes, in few writes, for its owner alone', async () => {
    let count = 0
    let asked = 0
    const state = (): unknown => {
      asked++
      return { count }
    }
    const file = new StateFile({ path, state, onFault: (error) => expect.fail(error.message) })
    for (let i = 0; i < 1_000; i++) {
      count++
      file.changed()
    }
    await file.close()
    expect(await StateFile.read(path, schema)).toEqual({ count: 1_000 })
    expect(asked).toBeLessThan(5)
    count++
    file.changed()
    await file.close()
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ count: 1_001 })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['state.json'])
  })

  it('leaves the file to another process while it rests, and writes what changed after that', async () => {
    let count = 1
    const file = new StateFile({
      path,
      state: () => ({ count }),
      onFault: (error) => expect.fail(error.message),
    })
    file.changed()
    const wake = await file.rest()
    writeFileSync(path, '{"count":7}')
    count = 2
    file.changed()
    await file.close()
    expect(await StateFile.read(path, schema)).toEqual({ count: 7 })
    wake()
    await file.close()
    expect(await StateFile.read(path, schema)).toEqual({ count: 2 })
  })

  it('is nothing where there is none, and says where it is damaged', async () => {
    expect(await StateFile.read(path, schema)).toBeNull()
    writeFileSync(path, '{"count":"x"}')
    await expect(StateFile.read(path, schema)).rejects.toThrow(/state\.json is damaged at count/)
    writeFileSync(path, 'nonsense')
    await expect(StateFile.read(path, schema)).rejects.toThrow('is damaged at its beginning')
  })

  it('tells what it cannot write, and tries again with the next change', async () => {
    const faults: string[] = []
    const file = new StateFile({
      path: join(folder, 'none', 'state.json'),
      state: () => ({ count: 1 }),
      onFault: (error) => faults.push(error.message),
    })
    file.changed()
    await file.close()
    file.changed()
    await file.close()
    expect(faults).toHaveLength(2)
    expect(faults[0]).toContain('cannot be written')
  })
})
