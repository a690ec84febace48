import { beforeEach, expect, test } from 'vitest'
import { identityOf } from '../../../domain/identity-of.ts'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { McpEvent } from '../mcp-options.ts'
import { Peer } from './peer.ts'
import type { SessionStream } from './session-stream.ts'
import { type Session, Sessions } from './sessions.ts'

const limits = {
  sessionsMax: 4,
  sessionsPerPrincipalMax: 3,
  sessionsPerClientMax: 2,
  sessionIdleMs: 1_800_000,
  sessionYieldMs: 60_000,
}
let clock: VirtualClock
let events: McpEvent[]
let sessions: Sessions
let opened = 0
let forgotten: string[]
let expiresAtMs = Number.POSITIVE_INFINITY

beforeEach(() => {
  clock = new VirtualClock()
  events = []
  expiresAtMs = Number.POSITIVE_INFINITY
  forgotten = []
  const store = { forget: (key: string) => void forgotten.push(key) }
  sessions = new Sessions(clock, limits, store, (event) => events.push(event))
})

const find = (session: Session): Session | null =>
  sessions.find(session.token, session.peer.identity.principal, session.clientHeader)

function open(principal: string, clientHeader?: string): Session | null {
  const identity = identityOf(principal)
  if (!sessions.makeRoom(identity.principal, clientHeader)) return null
  const peer = new Peer({
    clock,
    identity,
    present: (it) => it,
    version: '2025-11-25',
    capabilities: {},
    rootsWaitMs: 1_000,
    inFlight: new Map(),
  })
  opened += 1
  const shownId = `s${opened}`
  const lastUsedAt = clock.now()
  const names = { token: `t${opened}`, shownId, issuedAtMs: 0, expiresAtMs }
  const session = { ...names, clientHeader, peer, stream: null, lastUsedAt }
  sessions.add(session)
  return session
}

function mustOpen(principal: string, clientHeader?: string): Session {
  const session = open(principal, clientHeader)
  if (session === null) throw new Error('no room')
  return session
}

test('one principal cannot take the places of another', () => {
  expect([open('a'), open('a'), open('a'), open('a')].map((each) => each !== null)).toEqual([
    true,
    true,
    true,
    false,
  ])
  expect(open('b')).not.toBeNull()
  expect(open('b')).toBeNull()
})

test('a long idle session yields to a new one of its own principal, a busy one never', async () => {
  const oldest = mustOpen('a')
  const busy = mustOpen('a')
  busy.peer.inFlight.set(1, { cancel: () => undefined, clientGone: () => undefined })
  await clock.advance(30_000)
  const newer = mustOpen('a')
  await clock.advance(40_000)
  expect(open('a')).not.toBeNull()
  expect(find(oldest)).toBeNull()
  expect(find(busy)).toBe(busy)
  expect(find(newer)).toBe(newer)
  expect(events.filter((event) => event.type === 'session-closed')).toMatchObject([{ reason: 'yielded' }])
})

test('what nobody uses is forgotten, what is used or busy stays, and at the end no timer is left', async () => {
  const idle = mustOpen('a')
  const used = mustOpen('a')
  const busy = mustOpen('a')
  busy.peer.inFlight.set(1, { cancel: () => undefined, clientGone: () => undefined })
  for (let n = 0; n < 5; n++) {
    await clock.advance(600_000)
    find(used)
  }
  expect(find(idle)).toBeNull()
  expect(find(used)).toBe(used)
  expect(find(busy)).toBe(busy)
  busy.peer.inFlight.clear()
  await clock.advance(3 * 1_800_000)
  expect(sessions.size).toBe(0)
  expect(clock.pendingTimers).toBe(0)
})

test('closing a session cancels its calls and forgets what is kept of its streams', () => {
  const session = mustOpen('a')
  const ended: string[] = []
  session.peer.inFlight.set(1, { cancel: () => ended.push('cancelled'), clientGone: () => undefined })
  sessions.close(session, 'deleted')
  sessions.close(session, 'deleted')
  expect(ended).toEqual(['cancelled'])
  expect(forgotten).toEqual([`a\n${session.shownId}`])
  expect(events.filter((event) => event.type === 'session-closed')).toHaveLength(1)
})

test('a token is nothing in the hands of another principal or window', () => {
  const session = mustOpen('a')
  expect(sessions.find(session.token, 'b' as PrincipalName, undefined)).toBeNull()
  expect(sessions.find(session.token, 'a' as PrincipalName, 'other-window')).toBeNull()
  expect(find(session)).toBe(session)
})

test('a window that opens session after session replaces its own and leaves room for others', async () => {
  const first = mustOpen('a', 'window-one')
  for (let n = 0; n < 50; n++) {
    await clock.advance(1)
    mustOpen('a', 'window-one')
  }
  expect(sessions.size).toBe(2)
  expect(find(first)).toBeNull()
  expect(open('a', 'window-two')).not.toBeNull()
})

test('a session is over when its token is, also in memory, and what it began goes on', async () => {
  expiresAtMs = 1_000
  const session = mustOpen('a')
  const ended: string[] = []
  session.peer.inFlight.set(1, { cancel: () => ended.push('cancelled'), clientGone: () => undefined })
  await clock.advance(999)
  expect(find(session)).toBe(session)
  await clock.advance(1)
  expect(find(session)).toBeNull()
  expect(events).toMatchObject([{ type: 'session-closed', reason: 'expired' }])
  expect([ended, sessions.size]).toEqual([[], 0])
})

test('whoever only listens is told of the end of its token, too', async () => {
  expiresAtMs = 1_000
  const session = mustOpen('a')
  const dropped: string[] = []
  session.stream = { isOpen: true, drop: () => dropped.push('dropped') } as unknown as SessionStream
  await clock.advance(limits.sessionIdleMs)
  expect([dropped, sessions.size]).toEqual([['dropped'], 0])
})
