import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { keyDigest, mintKey } from './api-key.ts'
import { addKey, changeKey, type KeyRecord, readKeyFile, revokeKey } from './key-file.ts'
import { keyRecordOf } from './key-record-of.ts'
import { KeyRing } from './key-ring.ts'

// Files are read outside the clock: looks go on until it is seen.
const patience = { timeout: 60_000, interval: 2 }
let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'))
  path = join(folder, 'keys.json')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('an API key', () => {
  it('is recognisable, never the same twice, and knows its own typing errors', () => {
    const keys = Array.from({ length: 200 }, () => mintKey())
    expect(new Set(keys.map(({ key }) => key)).size).toBe(200)
    for (const { key, digest } of keys) {
      expect(key).toMatch(/^exai_[0-9A-Za-z]{49}$/)
      expect(keyDigest(key)).toBe(digest)
    }
    const { key } = mintKey()
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: key.length - 1 }),
        fc.constantFrom(...'0aZ9_- é'),
        (at, letter) => {
          const wrong = key.slice(0, at) + letter + key.slice(at + 1)
          expect(keyDigest(wrong)).toBe(wrong === key ? keyDigest(key) : null)
        },
      ),
    )
  })

  it('is refused in any other shape, however long', () => {
    for (const text of ['', 'exai_', 'Bearer x', 'x'.repeat(1_000_000), `${mintKey().key} `])
      expect(keyDigest(text)).toBeNull()
  })
})

describe('the file of keys', () => {
  it('holds digests and no key, for its owner alone', async () => {
    const { key, digest } = mintKey()
    await addKey(path, keyRecordOf('anna', digest), systemClock)
    expect(readFileSync(path, 'utf8')).not.toContain(key)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await readKeyFile(path)).toEqual([keyRecordOf('anna', digest)])
  })

  it('takes no more tokens a minute than a day, be it together with what a key has already', async () => {
    const give = (name: string, tokensPerMinute: number | null, tokensPerDay: number | null): Promise<void> =>
      addKey(path, { ...keyRecordOf(name, mintKey().digest), tokensPerMinute, tokensPerDay }, systemClock)
    await expect(give('anna', 1000, 500)).rejects.toThrow(
      '--tpm 1000 is more than --tokens-per-day (500), so it could never be reached. Lower it, or raise --tokens-per-day.',
    )
    expect(await readKeyFile(path)).toEqual([])
    await give('anna', 500, 500)
    await give('bert', 1000, null)
    const change = (name: string, terms: Parameters<typeof changeKey>[2]): Promise<void> =>
      changeKey(path, name, terms, systemClock)
    await expect(change('anna', { tokensPerMinute: 501 })).rejects.toThrow('--tpm 501 is more than')
    await expect(change('anna', { tokensPerDay: 499 })).rejects.toThrow('more than --tokens-per-day (499)')
    await expect(change('bert', { tokensPerDay: 999 })).rejects.toThrow('more than --tokens-per-day (999)')
    await change('anna', { tokensPerMinute: 900, tokensPerDay: 900 })
    await change('anna', { tokensPerDay: null })
    await change('bert', { tokensPerMinute: null, tokensPerDay: 1 })
    expect((await readKeyFile(path)).map((key) => [key.tokensPerMinute, key.tokensPerDay])).toEqual([
      [900, null],
      [null, 1],
    ])
  })

  it('lets a key in that was kept with more tokens a minute than a day, and its other terms be changed', async () => {
    const kept = { ...keyRecordOf('anna', mintKey().digest), tokensPerMinute: 1000, tokensPerDay: 500 }
    writeFileSync(path, JSON.stringify({ version: 1, keys: [kept] }))
    await changeKey(path, 'anna', { weight: 2 }, systemClock)
    expect(await readKeyFile(path)).toEqual([{ ...kept, weight: 2 }])
    await expect(changeKey(path, 'anna', { tokensPerMinute: 800 }, systemClock)).rejects.toThrow('--tpm 800')
    await changeKey(path, 'anna', { tokensPerMinute: 500 }, systemClock)
  })

  it('loses nothing when many change it at once', async () => {
    const names = Array.from({ length: 6 }, (_, i) => `user-${i}`)
    await Promise.all(names.map((name) => addKey(path, keyRecordOf(name, mintKey().digest), systemClock)))
    expect((await readKeyFile(path)).map(({ name }) => name).sort()).toEqual(names.sort())
  })

  it('refuses a second key of a name, a bad name, and to revoke what is not there', async () => {
    await addKey(path, keyRecordOf('anna', mintKey().digest), systemClock)
    await expect(addKey(path, keyRecordOf('anna', mintKey().digest), systemClock)).rejects.toThrow(
      'There is a key for "anna" already',
    )
    await expect(addKey(path, keyRecordOf('An na', mintKey().digest), systemClock)).rejects.toThrow(
      'small letters',
    )
    await expect(revokeKey(path, 'bert', '2026-11-22T00:00:00Z', systemClock)).rejects.toThrow(
      'no key for "bert"',
    )
  })

  describe('of as many keys as there may be', () => {
    const revokedAt = (hour: number): string => `2026-11-22T0${hour}:00:00Z`
    const names = async (): Promise<readonly string[]> =>
      (await readKeyFile(path)).map(({ name }) => name).filter((name) => !name.startsWith('old'))
    const fill = (keys: readonly KeyRecord[], count = 10_000): void => {
      const { digest } = mintKey()
      const others = Array.from({ length: count - keys.length }, (_, index) =>
        keyRecordOf(`old${index}`, digest),
      )
      writeFileSync(path, JSON.stringify({ version: 1, keys: [...keys, ...others] }))
    }
    const revoked = (name: string, hour: number): KeyRecord =>
      keyRecordOf(name, mintKey().digest, { revokedAt: revokedAt(hour) })

    it('takes another in place of the one that was revoked first', async () => {
      fill([revoked('second', 2), revoked('first', 1), revoked('third', 3)])
      await addKey(path, keyRecordOf('new', mintKey().digest), systemClock)
      expect(await names()).toEqual(['second', 'third', 'new'])
      expect(await readKeyFile(path)).toHaveLength(10_000)
      await revokeKey(path, 'new', revokedAt(4), systemClock)
      expect(await names()).toEqual(['second', 'third', 'new'])
    })

    it('takes none where all are in force, says so, and still lets one be revoked', async () => {
      fill([])
      const add = (): Promise<void> => addKey(path, keyRecordOf('new', mintKey().digest), systemClock)
      await expect(add()).rejects.toThrow('There are 10000 keys in force, and no more are kept. Revoke one')
      await revokeKey(path, 'old7', revokedAt(1), systemClock)
      await add()
      expect(await names()).toEqual(['new'])
      await expect(revokeKey(path, 'old7', revokedAt(2), systemClock)).rejects.toThrow('There is no key')
    })

    it('that was given more once is read, and can be changed', async () => {
      fill([revoked('first', 1), revoked('second', 2)], 10_002)
      await revokeKey(path, 'old0', revokedAt(3), systemClock)
      expect(await names()).toEqual([])
      expect(await readKeyFile(path)).toHaveLength(10_000)
    })
  })

  it('changes what a key gives, the rest of it stays, and a bad term changes nothing', async () => {
    const [old, digest] = [mintKey().digest, mintKey().digest]
    await addKey(path, keyRecordOf('anna', old, { weight: 5 }), systemClock)
    await revokeKey(path, 'anna', '2026-11-22T00:00:00Z', systemClock)
    await addKey(path, keyRecordOf('anna', digest, { team: 'blue', requestsPerMinute: 9 }), systemClock)
    await changeKey(path, 'anna', { weight: 2, requestsPerMinute: null }, systemClock)
    const [revoked, anna] = await readKeyFile(path)
    expect(revoked).toMatchObject({ digest: old, weight: 5 })
    expect(anna).toEqual(keyRecordOf('anna', digest, { team: 'blue', weight: 2 }))
    await expect(changeKey(path, 'anna', { team: 'Two Words' }, systemClock)).rejects.toThrow('team must be')
    await expect(changeKey(path, 'bert', { weight: 2 }, systemClock)).rejects.toThrow('no key for "bert"')
    expect((await readKeyFile(path))[1]).toEqual(anna)
  })

  it('may have been written before tokens were counted', async () => {
    const { tokensPerMinute, tokensPerDay, ...old } = keyRecordOf('anna', mintKey().digest)
    expect([tokensPerMinute, tokensPerDay]).toEqual([null, null])
    writeFileSync(path, JSON.stringify({ version: 1, keys: [old] }))
    expect(await readKeyFile(path)).toEqual([keyRecordOf('anna', old.digest)])
  })

  it('lets nobody in when it is damaged, and says where', async () => {
    writeFileSync(path, '{"version":1,"keys":[{"name":"anna"}]}')
    await expect(readKeyFile(path)).rejects.toThrow('is damaged at keys.0')
    writeFileSync(path, 'nonsense')
    await expect(readKeyFile(path)).rejects.toThrow('is damaged')
  })
})

describe('the key ring', () => {
  it('knows a key added while it runs, and forgets a revoked one within a second', async () => {
    const clock = new VirtualClock()
    const onRevoked = vi.fn()
    const ring = await KeyRing.open({
      path,
      clock,
      onFault: (error) => expect.fail(error.message),
      onRevoked,
    })
    const { key, digest } = mintKey()
    expect(ring.find(key)).toEqual({ kind: 'unknown' })
    await addKey(path, keyRecordOf('anna', digest, { team: 'blue', weight: 2 }), systemClock)
    await vi.waitFor(async () => {
      await clock.advance(500)
      expect(ring.find(key)).toMatchObject({ kind: 'known', key: { name: 'anna', team: 'blue', weight: 2 } })
    }, patience)
    expect(ring.size).toBe(1)
    await revokeKey(path, 'anna', '2026-11-22T00:00:00Z', systemClock)
    await vi.waitFor(async () => {
      await clock.advance(500)
      expect(ring.find(key)).toEqual({ kind: 'revoked' })
    }, patience)
    expect(onRevoked).toHaveBeenCalledWith(['anna'])
    expect(ring.find('exai_short')).toEqual({ kind: 'malformed' })
    ring.destroy()
  })

  it('keeps the keys it knows when the file breaks under it, and tells', async () => {
    const clock = new VirtualClock()
    const faults: string[] = []
    const { key, digest } = mintKey()
    await addKey(path, keyRecordOf('anna', digest), systemClock)
    const ring = await KeyRing.open({ path, clock, onFault: (error) => faults.push(error.message) })
    writeFileSync(path, 'nonsense')
    await vi.waitFor(async () => {
      await clock.advance(500)
      expect(faults[0]).toContain('is damaged')
    }, patience)
    expect(ring.find(key)).toMatchObject({ kind: 'known' })
    ring.destroy()
    expect(clock.pendingTimers).toBe(0)
  })
})
