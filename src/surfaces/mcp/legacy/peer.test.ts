import { beforeEach, expect, test } from 'vitest'
import type { Identity } from '../../../domain/identity.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { Exchange } from '../exchange.ts'
import { Peer } from './peer.ts'

const identity: Identity = identityOf('local')
let clock: VirtualClock
let down: string[]

beforeEach(() => {
  clock = new VirtualClock()
  down = []
})

const createPeer = (capabilities = { roots: {} }): Peer =>
  new Peer({
    clock,
    identity,
    present: (it) => it,
    version: '2025-11-25',
    capabilities,
    rootsWaitMs: 2_000,
    inFlight: new Map(),
  })

const exchange = (canStream: boolean): Exchange => ({
  id: 1,
  door: 'http',
  identity,
  inFlight: null,
  canStream,
  startStream: () => undefined,
  send: (json) => down.push(json),
  sendProgress: () => undefined,
  sendDroppable: () => undefined,
  finish: () => undefined,
  abandon: () => undefined,
  work: null,
})

test('a client that declared no roots is not asked', async () => {
  expect(await createPeer({} as { roots: object }).roots(exchange(true))).toEqual([])
  expect(down).toEqual([])
})

test("without a stream of its own the question goes down the asking call's stream", async () => {
  const peer = createPeer()
  const asked = peer.roots(exchange(true))
  expect(JSON.parse(down[0] ?? '')).toMatchObject({ method: 'roots/list' })
  peer.settle({
    kind: 'response',
    id: JSON.parse(down[0] ?? '').id,
    result: { roots: [{ uri: 'file:///a' }, { uri: 'file://elsewhere/b' }, { uri: 'https://x' }, 7] },
  })
  expect(await asked).toEqual(['/a'])
  expect(clock.pendingTimers).toBe(0)
})

test('with no way to ask there are no roots, at once', async () => {
  expect(await createPeer().roots(exchange(false))).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('silence is waited for once, then not asked again for a minute', async () => {
  const peer = createPeer()
  const first = peer.roots(exchange(true))
  await clock.advance(2_000)
  expect(await first).toEqual([])
  expect(await peer.roots(exchange(true))).toEqual([])
  expect(down).toHaveLength(1)
  await clock.advance(60_000)
  const again = peer.roots(exchange(true))
  expect(down).toHaveLength(2)
  peer.close()
  expect(await again).toEqual([])
  expect(clock.pendingTimers).toBe(0)
})

test('an answer to a question nobody asked changes nothing', () => {
  createPeer().settle({ kind: 'response', id: 'exai-1', result: {} })
})

test('folders are asked ahead where a channel is open, and once: the tool finds the answer there', async () => {
  const peer = createPeer()
  peer.askRootsAhead()
  expect(down).toEqual([])
  peer.outlet = (json) => {
    down.push(json)
    return true
  }
  peer.askRootsAhead()
  peer.askRootsAhead()
  expect(down).toHaveLength(1)
  const id = JSON.parse(down[0] ?? '').id
  peer.settle({ kind: 'response', id, result: { roots: [{ uri: 'file:///a' }] } })
  expect(await peer.roots(exchange(false))).toEqual(['/a'])
  peer.forgetRoots()
  expect(down).toHaveLength(2)
  peer.close()
  expect(clock.pendingTimers).toBe(0)
})
