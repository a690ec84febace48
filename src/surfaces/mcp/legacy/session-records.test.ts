import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock } from '../../../lib/clock.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Records } from '../../../store/records.ts'
import { sealedMsMax } from '../../../store/seal-secret-file.ts'
import { openSqliteRecords } from '../../../store/sqlite-records.ts'
import { SessionRecords, type SessionRow, sessionMigrations } from './session-records.ts'
import { SessionTokens } from './session-tokens.ts'

const ann = 'ann' as PrincipalName
const bob = 'bob' as PrincipalName
let clock: VirtualClock
let records: Records

beforeEach(async () => {
  clock = new VirtualClock()
  records = await openSqliteRecords({ path: ':memory:', migrations: sessionMigrations })
})
afterEach(() => records.close())

const row = (principal: PrincipalName, shownId: string, issuedAtMs = 1_000): SessionRow => ({
  principal,
  shownId,
  issuedAtMs,
})
// As older builds wrote them: with the time at which the token was to end.
const keepAsBefore = (shownId: string, isEnded: 0 | 1, expiresAtMs: number): Promise<number> =>
  records.write([
    {
      sql: "INSERT INTO mcp_sessions VALUES ('ann', ?, ?, NULL, '[]', ?)",
      values: [shownId, isEnded, expiresAtMs],
    },
  ])
const set = { logLevel: 'debug', subscriptions: [] }
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

test('a session that was ended stays so whatever its life is set to later', async () => {
  await new SessionRecords(records, clock).end(row(ann, 's1'))
  clock.sleep(sealedMsMax)
  // As after a restart: whoever sets something first clears away what is over.
  await new SessionRecords(records, clock).keep(row(ann, 's2', sealedMsMax), set)
  expect(await new SessionRecords(records, clock).read(ann, 's1')).toEqual({ kind: 'ended' })
})

test('a session that was ended stays so though the clock was ahead: at a restart a year, in a running server any time', async () => {
  let aheadMs = 0
  const jumping: Clock = {
    now: () => clock.now(),
    wallMs: () => clock.wallMs() + aheadMs,
    after: (delayMs, run) => clock.after(delayMs, run),
  }
  const running = new SessionRecords(records, jumping)
  await running.end(row(ann, 's1'))
  await keepAsBefore('s0', 1, 1_000)
  // Its token may have been given as much.
  clock.sleep(sealedMsMax)
  for (const [years, sessions] of [
    [50, running],
    [1, null],
  ] as const) {
    aheadMs = years * sealedMsMax
    const those = sessions ?? new SessionRecords(records, jumping)
    for (let n = 0; n < 64; n++) await those.keep(row(ann, 's2', 2_000 + aheadMs), set)
    aheadMs = 0
    for (const each of ['s0', 's1']) expect(await running.read(ann, each)).toEqual({ kind: 'ended' })
  }
})

test('rows go when no token can be left, and a principal that ends very many loses only its own', async () => {
  const sessions = new SessionRecords(records, clock, 10)
  await sessions.end(row(bob, 'his', 500))
  for (let n = 0; n < 130; n++) await sessions.end(row(ann, `s${n}`, 1_000 + n))
  const count = async (): Promise<unknown> =>
    (await records.read({ sql: 'SELECT count(*) AS n FROM mcp_sessions', values: [] }, ann))[0]?.n
  // Tidied every 64 writes: what came since then stands beside the ten that are kept, and his.
  expect(Number(await count())).toBeLessThanOrEqual(10 + 64 + 1)
  expect(await sessions.read(bob, 'his')).toEqual({ kind: 'ended' })
  expect(await sessions.read(ann, 's129')).toEqual({ kind: 'ended' })
  clock.sleep(3 * sealedMsMax + 500)
  for (let n = 0; n < 64; n++) await sessions.end(row(ann, `t${n}`, clock.wallMs() + 1_000))
  expect(await sessions.read(bob, 'his')).toEqual(nothing)
})

test('a session that was just ended stays so, though all the others were given a longer life than is given now', async () => {
  const secret = { id: 7, bytes: Buffer.alloc(32, 7) }
  const secrets = { newest: () => secret, find: () => secret }
  const endOne = async (lifeMs: number): Promise<string> => {
    clock.sleep(1)
    const tokens = new SessionTokens({ clock, lifeMs, secrets, keyOf: () => null })
    const names = tokens.mint(
      { version: '2025-11-25', capabilities: {}, programName: undefined },
      ann,
      undefined,
    )
    // Each clears away at its first write.
    await new SessionRecords(records, clock, 10).end({ principal: ann, ...names })
    return names.shownId
  }
  const ended: string[] = []
  for (let n = 0; n < 10; n++) ended.push(await endOne(sealedMsMax))
  ended.push(await endOne(3_600_000))
  const found = await Promise.all(ended.map((id) => new SessionRecords(records, clock).read(ann, id)))
  expect(found).toEqual([nothing, ...Array.from({ length: 10 }, () => ({ kind: 'ended' }))])
})

test('a row of an older build has its place by age as soon as it is written again', async () => {
  await keepAsBefore('s1', 0, 2_000)
  for (let n = 0; n < 10; n++) await new SessionRecords(records, clock).end(row(ann, `t${n}`, 1_000 + n))
  await new SessionRecords(records, clock, 10).end(row(ann, 's1', 1_500))
  expect(await new SessionRecords(records, clock).read(ann, 's1')).toEqual({ kind: 'ended' })
  expect(await new SessionRecords(records, clock).read(ann, 't0')).toEqual(nothing)
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
