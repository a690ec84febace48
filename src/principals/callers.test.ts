import { describe, expect, it } from 'vitest'
import { identityOf } from '../domain/identity-of.ts'
import { mintKey } from './api-key.ts'
import { Callers } from './callers.ts'
import { keyRecordOf } from './key-record-of.ts'
import type { KeyFinding } from './key-ring.ts'

const anna: KeyFinding = { kind: 'known', key: keyRecordOf('anna', '', { team: 'blue' }) }
const none = { isEmpty: true, find: (): KeyFinding => ({ kind: 'unknown' }), of: () => null }
const some = {
  isEmpty: false,
  of: (name: string) => (name === 'anna' ? keyRecordOf('anna', '', { team: 'blue' }) : null),
  find: (token: string): KeyFinding =>
    token === 'anna' ? anna : { kind: token === '' ? 'malformed' : token === 'old' ? 'revoked' : 'unknown' },
}
const here = { isLoopback: true }
const away = { isLoopback: false }

describe('whose call it is', () => {
  it('is local on this computer while there is no key, and nobody elsewhere', () => {
    const callers = new Callers(none, false)
    expect(callers.holderOf(here)).toMatchObject({ principal: 'local', isOperator: true })
    expect(callers.holderOf({ ...here, authorization: 'Bearer old' }).principal).toBe('local')
    expect(() => callers.holderOf(away)).toThrow('this server has none yet')
    expect(callers.needsKey).toBe(false)
  })

  it('is told by the key from the first one on, whatever the case of the word before it', () => {
    const callers = new Callers(some, false)
    for (const authorization of ['Bearer anna', 'bearer   anna', 'BEARER anna ']) {
      expect(callers.identify({ ...away, authorization })).toMatchObject({
        principal: 'anna',
        team: 'blue',
        isLocal: false,
        isOperator: false,
      })
    }
    expect(() => callers.holderOf(here)).toThrow('needs a key')
    expect(callers.needsKey).toBe(true)
  })

  it('is not told by a wrong key, and the refusal repeats nothing of it', () => {
    const { key } = mintKey()
    const callers = new Callers(some, true)
    for (const authorization of [
      `Bearer ${key}`,
      'Bearer old',
      'Bearer',
      'Basic anna',
      `Bearer anna, Bearer ${key}`,
    ]) {
      try {
        callers.holderOf({ ...here, authorization })
        expect.fail(`${authorization.slice(0, 10)} was let in`)
      } catch (error) {
        expect(error).toMatchObject({ code: 'unauthenticated' })
        expect(String(error)).not.toContain(key.slice(5, 15))
      }
    }
  })

  it('is local on this computer where loopback is open, unless a key was sent', () => {
    const callers = new Callers(some, true)
    expect(callers.holderOf(here).principal).toBe('local')
    expect(callers.holderOf({ ...here, authorization: 'Bearer anna' }).principal).toBe('anna')
    expect(() => callers.holderOf(away)).toThrow('needs a key')
    expect(callers.needsKey).toBe(false)
  })

  it('is under the terms that its key has now, however long ago it came', () => {
    const callers = new Callers(some, true)
    const before = identityOf('anna', 'window-1', { team: 'red', isOperator: true, root: '/work' })
    const now = callers.present(before)
    expect(now).toEqual({ ...before, team: 'blue', isOperator: false })
    expect(callers.present(now)).toBe(now)
  })

  it('stays whose it was where no key in force says otherwise', () => {
    const callers = new Callers(some, true)
    for (const caller of [identityOf('local', 'window-1'), identityOf('gone', 'window-2', { team: 'red' })]) {
      expect(callers.present(caller)).toBe(caller)
    }
  })
})
