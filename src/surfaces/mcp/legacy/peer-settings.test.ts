import { beforeEach, expect, test } from 'vitest'
import { identityOf } from '../../../domain/identity-of.ts'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { StoreFault } from '../../../store/store-fault.ts'
import { Watchers, watchedMax } from '../features/watchers.ts'
import { PeerSettings } from './peer-settings.ts'
import type { SessionSettings } from './session-records.ts'

let watchers: Watchers
let told: string[]
let kept: SessionSettings[]
let isFull: boolean

beforeEach(() => {
  watchers = new Watchers(new VirtualClock(), [])
  told = []
  kept = []
  isFull = false
})

const open = (principal: string): PeerSettings =>
  new PeerSettings({
    identity: identityOf(principal),
    watchers,
    tell: (json) => told.push(JSON.parse(json).params.uri),
    keep: async (settings) => {
      if (isFull) throw new StoreFault('full', 'The disk is full.')
      kept.push(settings)
    },
  })

test('what is watched is told, to its principal alone, until it is not watched any more', async () => {
  const [anna, bert] = [open('anna'), open('bert')]
  expect(await anna.watch('a:1')).toBe(true)
  expect(await anna.watch('a:1')).toBe(true)
  expect(await bert.watch('a:1')).toBe(true)
  watchers.changed('anna' as PrincipalName, 'a:1')
  expect(told).toEqual(['a:1'])
  await anna.unwatch('a:1')
  await anna.unwatch('a:1')
  watchers.changed('anna' as PrincipalName, 'a:1')
  expect(told).toHaveLength(1)
  bert.close()
  expect(watchers.size).toBe(0)
})

test('what was set is kept, and whoever takes the session up again has it', async () => {
  const before = open('anna')
  expect(before.logLevel).toBeNull()
  await before.setLogLevel('notice')
  await before.watch('a:1')
  const last = kept.at(-1)
  expect(last).toEqual({ logLevel: 'notice', subscriptions: ['a:1'] })
  before.close()
  const after = open('anna')
  if (last !== undefined) after.restore(last)
  expect(after.logLevel).toBe('notice')
  watchers.changed('anna' as PrincipalName, 'a:1')
  expect(told).toEqual(['a:1'])
})

test('what could not be kept is not so, and is done and kept when it is tried again', async () => {
  const peer = open('anna')
  const isTold = (): boolean => {
    const before = told.length
    watchers.changed('anna' as PrincipalName, 'a:1')
    return told.length > before
  }
  isFull = true
  await expect(peer.watch('a:1')).rejects.toThrow('full')
  await expect(peer.setLogLevel('info')).rejects.toThrow('full')
  expect([peer.logLevel, watchers.size, isTold()]).toEqual([null, 0, false])
  isFull = false
  expect(await peer.watch('a:1')).toBe(true)
  await peer.setLogLevel('info')
  expect(kept.at(-1)).toEqual({ logLevel: 'info', subscriptions: ['a:1'] })
  isFull = true
  await expect(peer.unwatch('a:1')).rejects.toThrow('full')
  expect(isTold()).toBe(true)
  isFull = false
  await peer.unwatch('a:1')
  expect(kept.at(-1)).toEqual({ logLevel: 'info', subscriptions: [] })
  expect([watchers.size, isTold()]).toEqual([0, false])
})

test('changes at once are kept one after the other, whichever of them fails', async () => {
  const peer = open('anna')
  isFull = true
  const failing = [peer.watch('a:1'), peer.watch('a:1'), peer.setLogLevel('info')]
  expect((await Promise.allSettled(failing)).map(({ status }) => status)).toEqual(Array(3).fill('rejected'))
  isFull = false
  const done = [peer.watch('a:1'), peer.watch('a:2'), peer.watch('a:1'), peer.setLogLevel('error')]
  expect(await Promise.all([...done, peer.unwatch('a:2')])).toEqual([true, true, true, undefined, undefined])
  expect(kept.at(-1)).toEqual({ logLevel: 'error', subscriptions: ['a:1'] })
  const late = peer.watch('a:3')
  peer.close()
  await late
  expect(watchers.size).toBe(0)
})

test('what lasts as long as its connection is so at once: the next message may be here already', () => {
  const tell = (json: string): void => void told.push(json)
  const peer = new PeerSettings({ identity: identityOf('anna'), watchers, tell })
  void peer.setLogLevel('info')
  void peer.setLogLevel('debug')
  void peer.watch('a:1')
  expect([peer.logLevel, watchers.size]).toEqual(['debug', 1])
})

test('a record that says nonsense is taken for none, and there is an end to watching', async () => {
  const peer = open('anna')
  const many = Array.from({ length: watchedMax + 10 }, (_, n) => `a:${n}`)
  peer.restore({ logLevel: 'loud', subscriptions: many })
  expect(peer.logLevel).toBeNull()
  expect(watchers.size).toBe(watchedMax)
  expect(await peer.watch('a:more')).toBe(false)
  peer.close()
  expect(watchers.size).toBe(0)
})
