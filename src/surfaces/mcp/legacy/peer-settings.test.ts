import { beforeEach, expect, test } from 'vitest'
import { identityOf } from '../../../domain/identity-of.ts'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { Watchers, watchedMax } from '../features/watchers.ts'
import { PeerSettings } from './peer-settings.ts'
import type { SessionSettings } from './session-records.ts'

let watchers: Watchers
let told: string[]
let kept: SessionSettings[]

beforeEach(() => {
  watchers = new Watchers(new VirtualClock(), [])
  told = []
  kept = []
})

const open = (principal: string): PeerSettings =>
  new PeerSettings({
    identity: identityOf(principal),
    watchers,
    tell: (json) => told.push(JSON.parse(json).params.uri),
    keep: async (settings) => {
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
