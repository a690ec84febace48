import { describe, expect, it } from 'vitest'
import type { Identity } from '../domain/identity.ts'
import { identityOf } from '../domain/identity-of.ts'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { FrontDoor, type FrontDoorOptions, type Permit } from './front-door.ts'
import { PenaltyBox } from './penalty-box.ts'

const identity = (client: string | null, principal = 'local'): Identity => identityOf(principal, client)

function open(over: Partial<FrontDoorOptions> = {}): { clock: VirtualClock; door: FrontDoor } {
  const clock = new VirtualClock()
  const door = new FrontDoor({
    clock,
    client: { requestsPerMinute: 60, burst: 3, concurrency: 2 },
    principal: { requestsPerMinute: 600, burst: 5, concurrency: 4 },
    clientsMax: 10,
    clientIdleMs: 60_000,
    ...over,
  })
  return { clock, door }
}

function admitted(door: FrontDoor, who: Identity): Permit {
  const answer = door.admit(who)
  if (isRefusal(answer)) throw new Error(answer.message)
  return answer
}

describe('front door', () => {
  it('bounds a window by its calls in flight, and another window of the same key is not touched', () => {
    const { door } = open()
    admitted(door, identity('window-a'))
    const second = admitted(door, identity('window-a'))
    expect(door.admit(identity('window-a'))).toMatchObject({
      reason: 'too-many-in-flight',
      scope: 'client',
      limit: 2,
      used: 2,
    })
    admitted(door, identity('window-b'))
    second.release()
    admitted(door, identity('window-a'))
  })

  it('says exactly when to come back', async () => {
    const { clock, door } = open()
    for (let i = 0; i < 3; i++) admitted(door, identity('window-a')).release()
    const refusal = door.admit(identity('window-a'))
    expect(refusal).toMatchObject({ reason: 'rate-limited', scope: 'client', retryAfterMs: 1000 })
    await clock.advance(999)
    expect(isRefusal(door.admit(identity('window-a')))).toBe(true)
    await clock.advance(1)
    admitted(door, identity('window-a')).release()
  })

  it('changes no counter when it refuses', async () => {
    const { clock, door } = open()
    for (let i = 0; i < 3; i++) admitted(door, identity('window-a')).release()
    for (let i = 0; i < 50; i++) expect(isRefusal(door.admit(identity('window-a')))).toBe(true)
    await clock.advance(1000)
    admitted(door, identity('window-a')).release()
    expect(door.inFlight).toBe(0)
  })

  it('gives nothing for a new client id: the key has its own limits', () => {
    const { door } = open()
    for (let i = 0; i < 5; i++) admitted(door, identity(`window-${i}`)).release()
    expect(door.admit(identity('window-new'))).toMatchObject({ reason: 'rate-limited', scope: 'principal' })
    admitted(door, identity('window-new', 'somebody else')).release()
  })

  it('binds a caller without an id by its key alone', () => {
    const { door } = open()
    const held = [1, 2, 3, 4].map(() => admitted(door, identity(null)))
    expect(door.admit(identity(null))).toMatchObject({
      reason: 'too-many-in-flight',
      scope: 'principal',
      limit: 4,
    })
    for (const permit of held) permit.release()
    expect(door.inFlight).toBe(0)
  })

  it('keeps equal client ids of two principals apart', () => {
    const { door } = open()
    admitted(door, identity('same', 'one'))
    admitted(door, identity('same', 'one'))
    admitted(door, identity('same', 'two'))
    expect(door.clients().map(({ principal, inFlight }) => [principal, inFlight])).toEqual([
      ['one', 2],
      ['two', 1],
    ])
  })

  it('forgets idle clients, so that memory returns, and makes room for new ones first', async () => {
    const { clock, door } = open({
      clientsMax: 2,
      principal: { requestsPerMinute: 6000, burst: 100, concurrency: 50 },
    })
    const busy = admitted(door, identity('busy'))
    admitted(door, identity('idle')).release()
    expect(door.admit(identity('third'))).toMatchObject({
      reason: 'too-many-clients',
      scope: 'server',
      used: 2,
      retryAfterMs: 1000,
    })
    await clock.advance(1000)
    admitted(door, identity('third')).release()
    expect(door.clients().map(({ client }) => client)).toEqual(['busy', 'third'])
    busy.release()
    await clock.advance(120_000)
    expect(door.clients()).toEqual([])
  })

  it('gives a new client the place of the one that has rested for longest, whoever’s it is, and of no other', async () => {
    const { clock, door } = open({ clientsMax: 3 })
    const known = (): unknown[] => door.clients().map(({ client }) => client)
    admitted(door, identity('oldest', 'one')).release()
    await clock.advance(10)
    admitted(door, identity('older', 'two')).release()
    const busy = admitted(door, identity('busy', 'two'))
    await clock.advance(2000)
    admitted(door, identity('first', 'three')).release()
    expect(known()).toEqual(['older', 'busy', 'first'])
    await clock.advance(2000)
    admitted(door, identity('older', 'two')).release()
    await clock.advance(1000)
    admitted(door, identity('second', 'three')).release()
    expect(known()).toEqual(['older', 'busy', 'second'])
    busy.release()
    await clock.advance(1000)
    admitted(door, identity('third', 'one')).release()
    expect(known()).toEqual(['busy', 'second', 'third'])
  })

  it('lets one key have its own part of the places, and the others theirs', async () => {
    let own = 3
    const { clock, door } = open({ clientsMax: 4, clientsPerPrincipalMax: () => own })
    const held = ['a', 'b', 'c'].map((window) => admitted(door, identity(window, 'greedy')))
    const refused = { reason: 'too-many-clients', scope: 'principal', limit: 3, used: 3, retryAfterMs: null }
    expect(door.admit(identity('d', 'greedy'))).toMatchObject(refused)
    admitted(door, identity('a', 'bob')).release()
    // What rests of another is not for a key that has all of its own.
    await clock.advance(5000)
    expect(door.admit(identity('d', 'greedy'))).toMatchObject(refused)
    const bobs = ['a', 'b'].map((window) => door.admit(identity(window, 'bob')))
    expect(bobs).toMatchObject([{}, { scope: 'server', limit: 4, used: 4, retryAfterMs: null }])
    own = 4
    expect(door.admit(identity('d', 'greedy'))).toMatchObject({ scope: 'server' })
    own = 3
    for (const permit of held) permit.release()
    admitted(door, identity('d', 'greedy')).release()
    expect(door.clients().map(({ principal, client }) => `${principal} ${client}`)).toEqual([
      'greedy b',
      'greedy c',
      'greedy d',
      'bob a',
    ])
  })

  it('says when the first place comes free, and then it is', async () => {
    const { clock, door } = open({ clientsMax: 2 })
    for (let i = 0; i < 2; i++) admitted(door, identity('used twice')).release()
    await clock.advance(400)
    admitted(door, identity('used later')).release()
    expect(door.admit(identity('new'))).toMatchObject({ retryAfterMs: 1000 })
    await clock.advance(999)
    expect(door.admit(identity('new'))).toMatchObject({ retryAfterMs: 1 })
    await clock.advance(1)
    admitted(door, identity('new')).release()
    expect(door.clients().map(({ client }) => client)).toEqual(['used twice', 'new'])
  })

  it('forgets nobody for a call that its key refuses', async () => {
    const { clock, door } = open({
      clientsMax: 2,
      principal: { requestsPerMinute: 1, burst: 1, concurrency: 9 },
    })
    for (const name of ['one', 'two']) admitted(door, identity('window', name)).release()
    await clock.advance(1000)
    expect(door.admit(identity('new', 'one'))).toMatchObject({ scope: 'principal', reason: 'rate-limited' })
    expect(door.clients()).toHaveLength(2)
  })

  it('names of all levels without room the one that lasts longest', async () => {
    const tight = (perMinute: number) => ({ requestsPerMinute: perMinute, burst: 1, concurrency: 9 })
    const member = { ...identity('window'), team: 'api' }
    for (const [scope, limits] of Object.entries({
      client: { client: tight(1), principal: tight(6), team: tight(60) },
      principal: { client: tight(60), principal: tight(1), team: tight(6) },
      team: { client: tight(6), principal: tight(60), team: tight(1) },
    })) {
      const { clock, door } = open(limits)
      admitted(door, member).release()
      expect(door.admit(member)).toMatchObject({ scope, limit: 1, retryAfterMs: 60_000 })
      await clock.advance(60_000)
      admitted(door, member).release()
    }
  })

  it('names of two that last equally long the nearer one, and what no time ends before any time', () => {
    const once = { requestsPerMinute: 60, burst: 1, concurrency: 9 }
    const { door } = open({ client: once, principal: once })
    admitted(door, identity('window')).release()
    expect(door.admit(identity('window'))).toMatchObject({ scope: 'client', retryAfterMs: 1000 })
    const { door: busy } = open({ client: once, principal: { ...once, burst: 9, concurrency: 1 } })
    const held = admitted(busy, identity('window'))
    expect(busy.admit(identity('window'))).toMatchObject({ reason: 'too-many-in-flight', retryAfterMs: null })
    held.release()
    expect(busy.admit(identity('window'))).toMatchObject({ reason: 'rate-limited', scope: 'client' })
  })

  it('releases a permit once, however often it is asked', () => {
    const { door } = open()
    const permit = admitted(door, identity('window-a'))
    permit.release()
    permit.release()
    expect(door.inFlight).toBe(0)
  })

  it('bounds a team over all its keys, and a refusal there changes nothing below', () => {
    const { door } = open({ team: { requestsPerMinute: 60, burst: 4, concurrency: 3 } })
    const of = (principal: string): Identity => ({
      ...identity(`window-${principal}`, principal),
      team: 'api',
    })
    const held = ['one', 'two', 'three'].map((name) => admitted(door, of(name)))
    expect(door.admit(of('four'))).toMatchObject({ reason: 'too-many-in-flight', scope: 'team', limit: 3 })
    admitted(door, identity('window-x', 'four')).release()
    for (const permit of held) permit.release()
    admitted(door, of('four')).release()
    expect(door.admit(of('one'))).toMatchObject({ reason: 'rate-limited', scope: 'team', retryAfterMs: 1000 })
    expect(door.clients().find(({ principal }) => principal === 'one')).toMatchObject({
      calls: 1,
      inFlight: 0,
    })
  })

  it('bounds each team by limits of its own, and a team without any not at all', () => {
    const { door } = open({
      team: (name) => (name === 'blue' ? { requestsPerMinute: 600, burst: 100, concurrency: 1 } : null),
    })
    const of = (team: string, window: string): Identity => ({ ...identity(window, window), team })
    admitted(door, of('blue', 'window-a'))
    expect(door.admit(of('blue', 'window-b'))).toMatchObject({ scope: 'team', limit: 1 })
    for (const window of ['window-c', 'window-d']) admitted(door, of('red', window))
  })

  it('takes the limits of a key where it has its own, and changed ones without a restart', () => {
    const own: Record<string, { burst: number }> = { small: { burst: 1 } }
    const { door } = open({ limitsOf: (principal) => own[principal] ?? null })
    admitted(door, identity('window-a', 'small')).release()
    expect(door.admit(identity('window-b', 'small'))).toMatchObject({ scope: 'principal', limit: 600 })
    own.small = { burst: 2 }
    door.limitsChanged()
    admitted(door, identity('window-b', 'small')).release()
  })

  it('refuses nobody under a raised limit for what the old one had counted', () => {
    const own: Record<string, { requestsPerMinute: number; burst: number }> = {
      slow: { requestsPerMinute: 1, burst: 1 },
    }
    const { door } = open({ limitsOf: (principal) => own[principal] ?? null })
    admitted(door, identity('window-a', 'slow')).release()
    expect(door.admit(identity('window-b', 'slow'))).toMatchObject({ retryAfterMs: 60_000 })
    own.slow = { requestsPerMinute: 60, burst: 5 }
    door.limitsChanged()
    for (let n = 1; n < 5; n++) admitted(door, identity(`window-${n}`, 'slow')).release()
    expect(door.admit(identity('window-c', 'slow'))).toMatchObject({ used: 5, retryAfterMs: 1000 })
  })

  it('lets a client in the penalty box have one call at a time, and says why', async () => {
    const clock = new VirtualClock()
    const penaltyBox = new PenaltyBox(clock, 10)
    const { door } = open({ clock, penaltyBox })
    for (let i = 0; i < 10; i++) penaltyBox.fault('local\nwindow-a')
    const first = admitted(door, identity('window-a'))
    expect(door.admit(identity('window-a'))).toMatchObject({
      limit: 1,
      message: expect.stringContaining('for another 30 seconds'),
    })
    admitted(door, identity('window-b')).release()
    await clock.advance(30_000)
    admitted(door, identity('window-a')).release()
    first.release()
  })

  it('shows of everybody who calls how much, how often and how long ago', async () => {
    const { clock, door } = open()
    const held = admitted(door, identityOf('local', 'window-a', { label: 'api@main' }))
    admitted(door, identityOf('local', null)).release()
    await clock.advance(4000)
    expect(door.clients()).toMatchObject([
      { principal: 'local', client: 'window-a', label: 'api@main', inFlight: 1, calls: 1, idleMs: 4000 },
      { client: null, inFlight: 0, calls: 1, idleMs: 4000 },
    ])
    expect(door.inFlight).toBe(1)
    held.release()
    expect(door.clients()).toMatchObject([{ inFlight: 0, idleMs: 0 }, {}])
  })

  it('counts a window once however often it calls, and makes no room where there is some', async () => {
    const { clock, door } = open({ clientsMax: 3 })
    for (let i = 0; i < 3; i++) admitted(door, identity('window-a')).release()
    admitted(door, identity('window-b')).release()
    await clock.advance(10_000)
    admitted(door, identity('window-c')).release()
    expect(door.clients().map(({ client, calls }) => [client, calls])).toEqual([
      ['window-a', 3],
      ['window-b', 1],
      ['window-c', 1],
    ])
  })

  it('looks once a second for keys and teams that have been idle for long, and forgets no others', async () => {
    const asked: string[] = []
    const { clock, door } = open({
      limitsOf: (name) => {
        asked.push(name)
        return null
      },
      team: (name) => {
        asked.push(name)
        return null
      },
    })
    const call = (name: string) => admitted(door, identity('w', name)).release()
    const askedAgain = (name: string): boolean => {
      asked.length = 0
      call(name)
      return asked.includes(name)
    }
    call('first')
    await clock.advance(500)
    call('second')
    await clock.advance(500)
    call('third')
    await clock.advance(59_000)
    call('other')
    expect([askedAgain('second'), askedAgain('first')]).toEqual([false, true])
    call('other')
    await clock.advance(1000)
    call('other')
    expect(askedAgain('third')).toBe(true)
    await clock.advance(500)
    call('fourth')
    await clock.advance(59_500)
    call('other')
    await clock.advance(500)
    // It has been idle for a minute, and nobody has looked for half a second.
    expect(askedAgain('fourth')).toBe(false)
  })

  it('keeps a team while one of its calls runs, and asks for its limits again when it has been idle', async () => {
    let concurrency = 1
    const { clock, door } = open({ team: () => ({ requestsPerMinute: 600, burst: 100, concurrency }) })
    const of = (window: string): Identity => ({ ...identity(window, window), team: 'api' })
    const held = admitted(door, of('window-a'))
    await clock.advance(120_000)
    expect(door.admit(of('window-b'))).toMatchObject({ scope: 'team', limit: 1 })
    held.release()
    concurrency = 2
    await clock.advance(120_000)
    const both = [admitted(door, of('window-a')), admitted(door, of('window-b'))]
    expect(door.admit(of('window-c'))).toMatchObject({ scope: 'team', limit: 2 })
    for (const permit of both) permit.release()
  })

  it('gives a key nothing back because its windows are forgotten sooner than its rate is whole', async () => {
    const { clock, door } = open({ principal: { requestsPerMinute: 1, burst: 2, concurrency: 4 } })
    for (const window of ['window-a', 'window-b']) admitted(door, identity(window)).release()
    await clock.advance(61_000)
    expect(door.clients()).toEqual([])
    admitted(door, identity('window-a')).release()
    expect(door.admit(identity('window-a'))).toMatchObject({ scope: 'principal', retryAfterMs: 59_000 })
  })

  it('binds nobody who is in no team by a team’s limits', () => {
    const { door } = open({ team: { requestsPerMinute: 60, burst: 1, concurrency: 0 } })
    admitted(door, identity('window-a')).release()
    expect(door.admit({ ...identity('window-a'), team: 'api' })).toMatchObject({ scope: 'team', limit: 0 })
  })

  it('calls a window by its name when it refuses it', () => {
    const { door } = open()
    const who = identityOf('local', 'window-a', { label: 'api@main' })
    admitted(door, who)
    admitted(door, who)
    expect(door.admit(who)).toMatchObject({
      message: expect.stringContaining('Your window (api@main) has 2 calls in flight'),
    })
  })
})
