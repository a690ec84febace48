import { expect, test } from 'vitest'
import type { Identity } from '../../../domain/identity.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Exchange } from '../exchange.ts'
import { Watchers } from '../features/watchers.ts'
import { Subscriptions } from './subscriptions.ts'

const watchers = new Watchers(new VirtualClock(), [])
const open = (max: number): Subscriptions =>
  new Subscriptions(
    max,
    {
      resources: {
        watch: (_identity, uri) => (uri.endsWith(':own') ? 'yes' : 'missing'),
      },
      watchers,
    },
    () => undefined,
    { name: 'exai', version: '1' },
  )
const params = { notifications: { toolsListChanged: true } }

function exchange(client: string | null): Exchange & { readonly answers: (number | undefined)[] } {
  const answers: (number | undefined)[] = []
  const identity: Identity = identityOf('local', client)
  return {
    id: 1,
    door: 'http',
    identity,
    inFlight: null,
    canStream: true,
    startStream: () => undefined,
    send: () => undefined,
    sendProgress: () => undefined,
    sendDroppable: () => undefined,
    finish: (_json, status) => answers.push(status),
    abandon: () => undefined,
    work: null,
    answers,
  }
}

test('one client cannot take the places of the others, and what it leaves is free again', () => {
  const subscriptions = open(100)
  const own = Array.from({ length: 17 }, () => exchange('window-0001'))
  for (const each of own) subscriptions.listen(each, params)
  expect(own.map(({ answers }) => answers[0])).toEqual([...Array(16).fill(undefined), 503])
  const other = exchange('window-0002')
  subscriptions.listen(other, params)
  expect(other.answers).toEqual([])
  own[0]?.work?.clientGone()
  const again = exchange('window-0001')
  subscriptions.listen(again, params)
  expect(again.answers).toEqual([])
  expect(subscriptions.size).toBe(17)
})

test('a crowd without names leaves half of the places to the windows', () => {
  const subscriptions = open(10)
  const crowd = Array.from({ length: 8 }, () => exchange(null))
  for (const each of crowd) subscriptions.listen(each, params)
  expect(crowd.filter(({ answers }) => answers[0] === 503)).toHaveLength(3)
  const window = exchange('window-0001')
  subscriptions.listen(window, params)
  expect(window.answers).toEqual([])
  subscriptions.drain()
  expect(subscriptions.size).toBe(0)
})

test('who asks the next process by itself is not told of an end, neither before nor while this one stops', () => {
  const subscriptions = open(10)
  const ends: string[] = []
  const asksAgain = (): Exchange => ({
    ...exchange('window-0001'),
    isAskedAgain: true,
    finish: () => ends.push('answered'),
    abandon: () => ends.push('left'),
  })
  const other = exchange('window-0002')
  subscriptions.listen(asksAgain(), params)
  subscriptions.listen(other, params)
  subscriptions.drain()
  subscriptions.listen(asksAgain(), params)
  expect(ends).toEqual(['left', 'left'])
  expect(other.answers).toHaveLength(1)
  expect(subscriptions.size).toBe(0)
})

test('what is not there is not honoured, what is there is under its one spelling, and what ends is watched no more', () => {
  const subscriptions = open(10)
  const sent: string[] = []
  const each = { ...exchange('window-0001'), send: (json: string) => sent.push(json) }
  subscriptions.listen(each, {
    notifications: {
      promptsListChanged: true,
      resourceSubscriptions: ['a:own', 'a:foreign', 'a:own', '%61:own'],
    },
  })
  expect(JSON.parse(sent[0] ?? '').params.notifications).toEqual({
    promptsListChanged: true,
    resourceSubscriptions: ['a:own'],
  })
  expect(watchers.size).toBe(1)
  each.work?.clientGone()
  expect(watchers.size).toBe(0)
})

test.each([
  [{ toolsListChanged: 1 }, 'toolsListChanged'],
  [{ promptsListChanged: 'true' }, 'promptsListChanged'],
  [{ resourcesListChanged: null }, 'resourcesListChanged'],
  [{ toolsListChanged: true, resourceSubscriptions: 'a:own' }, 'resourceSubscriptions'],
  [{ toolsListChanged: true, resourceSubscriptions: ['a:own', 7] }, 'resourceSubscriptions'],
])('a filter such as %j is refused by its member, and nothing is opened', (notifications, member) => {
  const subscriptions = open(10)
  const said: string[] = []
  subscriptions.listen({ ...exchange(null), finish: (json) => said.push(json) }, { notifications })
  expect(said.map((json) => JSON.parse(json).error)).toMatchObject([
    { code: -32602, message: expect.stringContaining(member) },
  ])
  expect([subscriptions.size, watchers.size]).toEqual([0, 0])
})
