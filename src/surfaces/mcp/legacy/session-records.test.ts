import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PrincipalName } from '../../../domain/ids.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Records } from '../../../store/records.ts'
import { openSqliteRecords } from '../../../store/sqlite-records.ts'
import { SessionRecords, type SessionRow, sessionMigrations } from './session-records.ts'

const ann = 'ann' as PrincipalName
const bob = 'bob' as PrincipalName
let clock: VirtualClock
let records: Records

beforeEach(async () => {
  clock = new VirtualClock()
  records = await openSqliteRecords({ path: ':memory:', migrations: sessionMigrations })
})
afterEach(() => records.close())

const row = (principal: PrincipalName, shownId: string, expiresAtMs = 1_000): SessionRow => ({
  principal,
  shownId,
  expiresAtMs,
})
const nothing = { kind: 'live', logLevel: null, subscriptions: [] }

test('what a client set is found again, and is its own', async () => {
  const sessions = new SessionRecords(records, clock)
  await sessions.keep(row(ann, 's1'), { logLevel: 'debug', subscriptions: ['exai://models'] })
  expect(await sessions.read(ann, 's1')).toEqual({
    kind: 'live',
    logLevel: 'debug',
    subscriptions: ['exai://models'],
  })
  expect(await sessions.read(bob, 's1')).toEqual(nothing)
  expect(await sessions.read(ann, 's2')).toEqual(nothing)
})

test('a session that was ended stays so, whatever is set in it later', async () => {
  const sessions = new SessionRecords(records, clock)
  await sessions.end(row(ann, 's1'))
  await sessions.keep(row(ann, 's1'), { logLevel: 'debug', subscriptions: [] })
  expect(await sessions.read(ann, 's1')).toEqual({ kind: 'ended' })
  expect(await sessions.read(bob, 's1')).toEqual(nothing)
})

test('rows go with their tokens, and a principal that ends very many loses only its own', async () => {
  const sessions = new SessionRecords(records, clock, 10)
  await sessions.end(row(bob, 'his', 500))
  for (let n = 0; n < 130; n++) await sessions.end(row(ann, `s${n}`, 1_000 + n))
  const count = async (): Promise<unknown> =>
    (await records.read({ sql: 'SELECT count(*) AS n FROM mcp_sessions', values: [] }, ann))[0]?.n
  // Tidied every 64 writes: what came since then stands beside the ten that are kept, and his.
  expect(Number(await count())).toBeLessThanOrEqual(10 + 64 + 1)
  expect(await sessions.read(bob, 'his')).toEqual({ kind: 'ended' })
  expect(await sessions.read(ann, 's129')).toEqual({ kind: 'ended' })
  await clock.advance(10_000)
  for (let n = 0; n < 64; n++) await sessions.end(row(ann, `t${n}`, 20_000))
  expect(await sessions.read(bob, 'his')).toEqual(nothing)
})

test('however many come at once, they are read together, each its own, and as soon as the first is read', async () => {
  const few = await openSqliteRecords({ path: ':memory:', migrations: sessionMigrations, readsMax: 1 })
  const read = vi.spyOn(few, 'read')
  const sessions = new SessionRecords(few, clock)
  await sessions.end(row(ann, 's7'))
  await sessions.keep(row(ann, 's8'), { logLevel: 'debug', subscriptions: [] })
  await sessions.end(row(bob, 's9'))
  const ids = Array.from({ length: 2_000 }, (_, n) => `s${n}`)
  const [found, his] = await Promise.all([
    Promise.all(ids.map((id) => sessions.read(ann, id))),
    sessions.read(bob, 's9'),
  ])
  expect(found[7]).toEqual({ kind: 'ended' })
  expect(found[8]).toEqual({ kind: 'live', logLevel: 'debug', subscriptions: [] })
  expect(new Set([...found.slice(0, 7), ...found.slice(9)])).toEqual(new Set([nothing]))
  expect(his).toEqual({ kind: 'ended' })
  expect(read.mock.calls.map(([, reader]) => reader)).toEqual([ann, bob, ann])
  // And nothing is kept of them.
  expect(await sessions.read(ann, 's7')).toEqual({ kind: 'ended' })
  expect(read).toHaveBeenCalledTimes(4)
  await few.close()
  const late = await Promise.allSettled(ids.map((id) => sessions.read(ann, id)))
  expect(late.map((each) => each.status === 'rejected' && each.reason)).toEqual(
    ids.map(() => expect.objectContaining({ trouble: 'closed' })),
  )
})
