import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, expect, test } from 'vitest'
import type { SealSecret } from '../../../lib/sealed-token.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { EventStore } from './event-store.ts'
import type { StreamLog } from './stream-log.ts'

const secret: SealSecret = { id: 7, bytes: Buffer.alloc(32, 7) }
const limits = { bytesMax: 2_000, bytesPerSessionMax: 600, streamsPerSessionMax: 3, keepMs: 60_000 }
let clock: VirtualClock
let store: EventStore

const createStore = (): EventStore =>
  new EventStore(clock, { newest: () => secret, find: (id) => (id === secret.id ? secret : null) }, limits)

beforeEach(() => {
  clock = new VirtualClock()
  store = createStore()
})

const text = (count: number): string => 'x'.repeat(count)
const jsonAfter = (session: string, id: string): readonly string[] | null => {
  const point = store.find(session, id)
  return point?.log?.after(point.after).map(({ json }) => json) ?? null
}

const isKept = ({ session, firstId }: StreamLog): boolean => store.find(session, firstId)?.log !== null

test('a client goes on after the last event it has, on the stream it had', () => {
  const log = store.open('ann\ns1', 7)
  const other = store.open('ann\ns1', 8)
  const ids = ['a', 'b', 'c'].map((json) => log.append(json))
  other.append('z')
  expect(jsonAfter('ann\ns1', log.firstId)).toEqual(['a', 'b', 'c'])
  expect(jsonAfter('ann\ns1', ids[1] ?? '')).toEqual(['c'])
  expect(jsonAfter('ann\ns1', ids[2] ?? '')).toEqual([])
  expect(jsonAfter('ann\ns1', other.firstId)).toEqual(['z'])
  expect(store.find('ann\ns1', log.firstId)).toMatchObject({ log, requestId: 7, after: 0 })
})

test('an event id is nothing in another session, and nonsense is nothing anywhere', () => {
  const log = store.open('ann\ns1', 7)
  const id = log.append('a')
  expect(store.find('ann\ns2', id)).toBeNull()
  expect(store.find('bob\ns1', id)).toBeNull()
  const nonsense = [
    '',
    'x',
    '.1',
    `${log.name}`,
    `${log.name}.`,
    `${log.name}.-1`,
    `A${id}`,
    `${text(5_000)}.1`,
  ]
  for (const each of nonsense) expect(store.find('ann\ns1', each)).toBeNull()
})

test('after a restart an event id still says which request its stream was for', () => {
  const id = store.open('ann\ns1', 'call-1').append('a')
  expect(createStore().find('ann\ns1', id)).toEqual({ log: null, requestId: 'call-1', after: 1 })
  const own = store.open('ann\ns1', null).append('a')
  expect(createStore().find('ann\ns1', own)).toEqual({ log: null, requestId: null, after: 1 })
})

test('a session keeps so much and no more, and takes nothing away from another', () => {
  const mine = store.open('ann\ns1', 1)
  const theirs = store.open('bob\ns1', 1)
  theirs.append(text(200))
  const id = mine.append(text(200))
  mine.append(text(200))
  expect(jsonAfter('ann\ns1', id)).toEqual([])
  expect([mine.isEndLost(1), mine.isEndLost(2)]).toEqual([true, false])
  expect(jsonAfter('bob\ns1', theirs.firstId)).toHaveLength(1)
  expect(store.inspect().bytes).toBeLessThanOrEqual(1_000)
})

test('what came after the events that had to make room is told', () => {
  const log = store.open('ann\ns1', 1)
  for (const json of [text(200), text(200), 'the answer']) log.append(json)
  expect(jsonAfter('ann\ns1', log.firstId)).toEqual(['the answer'])
  expect(log.isEndLost(0)).toBe(false)
})

test('all sessions together keep so much and no more', () => {
  const first = store.open('s0', 0)
  for (let n = 0; n < 20; n++) store.open(`s${n}`, n).append(text(200))
  expect(store.inspect().bytes).toBeLessThanOrEqual(2_000)
  expect(first.after(0)).toEqual([])
})

test('of very many streams of one session the answered go first, then what nobody reads; never one that is read', () => {
  const own = store.open('ann\ns1', null)
  const running = store.open('ann\ns1', 1)
  const answered = store.open('ann\ns1', 2)
  answered.end()
  const left = store.open('ann\ns1', 3)
  left.left()
  expect(isKept(answered)).toBe(false)
  store.open('ann\ns1', 4)
  expect([own, running, left].map(isKept)).toEqual([true, true, false])
  answered.append(text(10))
  expect(store.inspect()).toMatchObject({ logs: 3, bytes: 0 })
  // All three are read: whoever comes now keeps nothing, and takes nothing away.
  const late = store.open('ann\ns1', 5)
  late.append(text(10))
  expect([own, running, late].map(isKept)).toEqual([true, true, false])
  expect(store.inspect()).toMatchObject({ logs: 3, bytes: 0 })
})

test('within a session what was answered makes room before what goes on, and its own stream comes last', () => {
  const own = store.open('ann\ns1', null)
  const running = store.open('ann\ns1', 1)
  const answered = store.open('ann\ns1', 2)
  for (const log of [own, running, answered]) log.append(text(60))
  answered.end()
  running.append(text(60))
  expect([own, running, answered].map((log) => log.after(0).length)).toEqual([1, 2, 0])
  running.append(text(60))
  expect([own, running, answered].map((log) => log.after(0).length)).toEqual([1, 0, 0])
})

test('whoever keeps most makes room: nobody is forgotten for a neighbour', () => {
  const ann = store.open('ann\ns1', 1)
  ann.append('the answer')
  ann.end()
  for (let n = 0; n < 40; n++) store.open(`bob\ns${n}`, n).append(text(200))
  expect(ann.after(0)).toHaveLength(1)
  expect(store.inspect().bytes).toBeLessThanOrEqual(2_000)
})

test('what nobody comes back to is forgotten, what is read stays; at the end no timer is left', async () => {
  const left = store.open('ann\ns1', 1)
  const read = store.open('ann\ns1', 2)
  left.append('a')
  read.append('b')
  left.left()
  await clock.advance(130_000)
  expect(store.inspect()).toEqual({ logs: 1, bytes: 34 })
  expect(clock.pendingTimers).toBe(0)
  read.left()
  store.forget('ann\ns1')
  store.destroy()
  expect(store.inspect()).toEqual({ logs: 0, bytes: 0 })
  expect(clock.pendingTimers).toBe(0)
})

test('what is kept takes no more memory than was counted, whatever its script and however short', () => {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heapBytes = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const secrets = { newest: () => secret, find: () => secret }
  const roomy = new EventStore(clock, secrets, { bytesMax: 2 ** 30, bytesPerSessionMax: 2 ** 30 })
  const log = roomy.open('ann\ns1', 1)
  const before = heapBytes()
  // Through bytes, as what a vendor says comes: the engine then has each text to itself.
  const keep = (json: string): unknown => log.append(Buffer.from(json).toString())
  for (let n = 0; n < 2_000; n++) keep(`四${text(2_000)}${n}`)
  for (let n = 0; n < 20_000; n++) keep(`{"n":${n}}`)
  const grownBytes = heapBytes() - before
  expect(grownBytes).toBeGreaterThan(8_000_000)
  expect(grownBytes).toBeLessThan(roomy.inspect().bytes + 500_000)
  roomy.destroy()
})

test('what is told again bears the ids it went out under, also after some had to make room', () => {
  const log = store.open('ann\ns1', 1)
  const ids = [text(200), text(200), 'a', 'b'].map((json) => log.append(json))
  expect(log.after(0)).toEqual([
    { id: ids[2], json: 'a' },
    { id: ids[3], json: 'b' },
  ])
  expect(log.after(3)).toEqual([{ id: ids[3], json: 'b' }])
})
