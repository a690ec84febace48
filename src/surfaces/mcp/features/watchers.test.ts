import { beforeEach, expect, test } from 'vitest'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { Watchers } from './watchers.ts'

const [anna, bert] = ['anna', 'bert'] as PrincipalName[] as [PrincipalName, PrincipalName]
let clock: VirtualClock
let revision: string
let looks: number
let watchers: Watchers
let told: string[]
const tell = (uri: string): void => void told.push(uri)

beforeEach(() => {
  clock = new VirtualClock()
  ;[revision, looks, told] = ['1', 0, []]
  const look = (): string => {
    looks++
    return revision
  }
  watchers = new Watchers(clock, [{ uri: 'a:common', revision: look }])
})

test('the first change is told at once, and of a thousand more in five seconds the last', async () => {
  watchers.add(anna, 'a:busy', tell)
  watchers.changed(anna, 'a:busy')
  expect(told).toHaveLength(1)
  for (let n = 0; n < 1_000; n++) watchers.changed(anna, 'a:busy')
  await clock.advance(4_999)
  expect(told).toHaveLength(1)
  await clock.advance(1)
  expect(told).toHaveLength(2)
  // It rests after the last one, too, and then is as before.
  await clock.advance(5_000)
  watchers.changed(anna, 'a:busy')
  expect(told).toHaveLength(3)
})

test('nobody is told of another one’s resource, and one that changes all the time holds up no other', () => {
  watchers.add(anna, 'a:busy', tell)
  watchers.add(anna, 'a:calm', tell)
  watchers.changed(bert, 'a:busy')
  expect(told).toEqual([])
  watchers.changed(anna, 'a:busy')
  watchers.changed(anna, 'a:calm')
  expect(told).toEqual(['a:busy', 'a:calm'])
})

test('what is the same for everybody is looked at while somebody watches it, and a change told to all', async () => {
  await clock.advance(60_000)
  expect(looks).toBe(0)
  watchers.add(anna, 'a:common', tell)
  watchers.add(bert, 'a:common', tell)
  await clock.advance(60_000)
  expect(told).toEqual([])
  revision = '2'
  await clock.advance(5_000)
  expect(told).toEqual(['a:common', 'a:common'])
  await clock.advance(60_000)
  expect(told).toHaveLength(2)
  watchers.delete(anna, 'a:common', tell)
  watchers.delete(bert, 'a:common', tell)
  const before = looks
  await clock.advance(60_000)
  expect(looks).toBe(before)
})

test('nothing is left when nobody watches any more', () => {
  for (const uri of ['a:common', 'a:busy']) {
    watchers.add(anna, uri, tell)
    watchers.changed(anna, uri)
    watchers.changed(anna, uri)
    watchers.delete(anna, uri, tell)
  }
  expect(clock.pendingTimers).toBe(0)
  expect(watchers.size).toBe(0)
})
