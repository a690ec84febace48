// C1 to C8: what cache and flights promise.

import fc from 'fast-check'
import type { CacheSubject } from '../../src/cache/cache-key.ts'
import type { FlightPilot } from '../../src/cache/flight.ts'
import type { GenerateJob } from '../../src/providers/provider.ts'
import { holds, property, type Rooms, room } from './kit.ts'

const keys = room<typeof import('../../src/cache/cache-key.ts')>('cache/cache-key.ts')
const caches = room<typeof import('../../src/cache/cache.ts')>('cache/cache.ts')
const flightRoom = room<typeof import('../../src/cache/flights.ts')>('cache/flights.ts')
const failures = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const job: GenerateJob = {
  kind: 'generate',
  model: 'glm-5.2',
  task: 'chat',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'image', mediaType: 'image/png', base64: 'AAAA' }] },
    { role: 'user', content: 'What is it?' },
  ],
  documents: [
    { name: 'a.md', format: 'text', pages: null, passages: [{ page: null, text: 'x' }], isCut: false },
  ],
  tools: [
    { name: 'f', description: 'd', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  ],
  outputTokensMax: 100,
  temperature: 0,
  thinking: 'off',
  effort: 'low',
  json: false,
}
const subject: CacheSubject = {
  namespace: 'principal ada',
  provider: 'glm',
  endpoint: 'https://a',
  model: 'glm-5.2',
  adapterVersion: '1',
  job,
}

// Every leaf of a value, as a path; and the value with the leaf at a path changed.
function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, member]) => leaves(member, [...path, name]))
}
function changed(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined) return typeof value === 'number' ? value + 1 : `${String(value)}!`
  const members = value as Record<string, unknown>
  const next = changed(members[name], rest)
  return Array.isArray(value)
    ? value.map((each, index) => (String(index) === name ? next : each))
    : { ...members, [name]: next }
}
// The same value with the members of every object in the order of the dice.
function shuffled(value: unknown, random: () => number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => shuffled(each, random))
  const members = Object.entries(value).map(([name, member]) => [name, shuffled(member, random)] as const)
  return Object.fromEntries(
    members
      .map((member) => ({ member, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member),
  )
}

async function createCache(rooms: Rooms, seed: number) {
  const { AnswerCache } = await rooms.load(caches)
  const { VirtualClock } = await rooms.load(clocks)
  const { createSeededRandom } = await rooms.load(dice)
  const clock = new VirtualClock()
  const cache = new AnswerCache<string>({
    clock,
    random: createSeededRandom(seed),
    bytesMax: 40_000,
    namespaceShare: 0.25,
    answerBytesMax: 8_000,
    freshMs: 600_000,
    staleMs: 3_600_000,
  })
  return { clock, cache }
}

const whole = { finish: 'stop', hasToolUses: false, bytes: 1_000, tookMs: 2_000 }

async function createFlights(rooms: Rooms, runsMax = 2) {
  const { Flights } = await rooms.load(flightRoom)
  const { CallFailure } = await rooms.load(failures)
  const { VirtualClock } = await rooms.load(clocks)
  const clock = new VirtualClock()
  const flights = new Flights<string, string>({ clock, flightsMax: 100, replayBytesMax: 10_000, runsMax })
  const seen = { runs: 0, aborts: 0, pilots: [] as FlightPilot<string>[] }
  const fly = (ms: number, end: () => string) => async (pilot: FlightPilot<string>) => {
    seen.runs++
    seen.pilots.push(pilot)
    pilot.signal.addEventListener('abort', () => seen.aborts++, { once: true })
    for (let step = 0; step < 4; step++) {
      pilot.part(`part ${step}`, 6)
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(ms / 4, resolve)
        pilot.signal.addEventListener('abort', () => {
          timer.cancel()
          reject(pilot.signal.reason)
        })
      })
    }
    return end()
  }
  const gone = () => new CallFailure('client-gone', { message: 'gone' })
  const broken = (retryable: boolean) => new CallFailure('provider-error', { message: 'broken', retryable })
  const wait = (name: string, deadlineAt = 1e9) => {
    const controller = new AbortController()
    const parts: string[] = []
    const waiter = {
      clientKey: name,
      signal: controller.signal,
      deadlineAt,
      onPart: (part: string) => parts.push(part),
      onRestart: () => parts.splice(0),
    }
    return { controller, parts, waiter }
  }
  return { clock, flights, seen, fly, gone, broken, wait }
}

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'landed',
    (error: { code?: string }) => error.code ?? 'unknown',
  )

export const properties = [
  property({
    id: 'C1',
    says: 'any number of identical jobs at once make one upstream job, and all get its answer and all its parts',
    mutants: [
      { file: 'cache/flights.ts', find: 'if (flying?.isOpen) return flying.join(waiter)', replace: '' },
      {
        file: 'cache/flight.ts',
        find: 'for (const part of this.#parts ?? []) this.#tell(seat, () => waiter.onPart?.(part))',
        replace: '',
      },
      {
        file: 'cache/flight.ts',
        find: 'error.retryable && this.#runs < this.#options.runsMax',
        replace: 'this.#runs < this.#options.runsMax',
      },
    ],
    async check(rooms, seed) {
      const arrivals = fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 2, maxLength: 30 })
      const ends = fc.constantFrom('well', 'broken for good', 'broken once')
      await fc.assert(
        fc.asyncProperty(arrivals, ends, async (gaps, end) => {
          const { clock, flights, seen, fly, broken, wait } = await createFlights(rooms)
          const work = fly(1_000, () => {
            if (end === 'broken for good' || (end === 'broken once' && seen.runs === 1)) {
              throw broken(end === 'broken once')
            }
            return 'answer'
          })
          const waiting = gaps.map(async (gapMs, index) => {
            const each = wait(`client ${index}`)
            await new Promise<void>((resolve) => clock.after(gapMs, resolve))
            const result = await outcome(flights.join('key', each.waiter, work))
            return { result, parts: each.parts }
          })
          await clock.advance(5_000)
          const expected = end === 'broken for good' ? 'provider-error' : 'landed'
          for (const { result, parts } of await Promise.all(waiting)) {
            holds(result === expected, `a waiter got ${result}`)
            holds(parts.join() === 'part 0,part 1,part 2,part 3', `a waiter saw ${parts.join()}`)
          }
          const runs = end === 'broken once' ? 2 : 1
          holds(seen.runs === runs, `${seen.runs} upstream jobs for ${gaps.length} callers`)
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
  property({
    id: 'C2',
    says: 'leavers short of all never abort the work, all of them abort it once; who leaves meets nobody else',
    mutants: [
      {
        file: 'cache/flight.ts',
        find: '    if (next.done) {',
        replace: '    if (next.done || this.#payer === seat) {',
      },
      {
        file: 'cache/flight.ts',
        find: '      this.#controller.abort(reason)\n    } else',
        replace: '    } else',
      },
      { file: 'cache/flight.ts', find: 'if (next.done) {\n      this.#end()', replace: 'if (next.done) {' },
      { file: 'cache/flight.ts', find: 'this.#payer = next.value\n', replace: '' },
    ],
    async check(rooms, seed) {
      const leavers = fc.array(fc.option(fc.integer({ min: 0, max: 2_000 })), { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(leavers, fc.boolean(), async (leaves, byDeadline) => {
          const { clock, flights, seen, fly, gone, wait } = await createFlights(rooms)
          const work = fly(1_000, () => 'answer')
          const waiting = leaves.map((leavesAtMs, index) => {
            const each = wait(`client ${index}`, byDeadline && leavesAtMs !== null ? leavesAtMs : 1e9)
            if (leavesAtMs !== null && !byDeadline)
              clock.after(leavesAtMs, () => each.controller.abort(gone()))
            return outcome(flights.join('key', each.waiter, work))
          })
          await clock.advance(5)
          const stays = leaves.findIndex((at) => at === null || at > 5)
          const payer = seen.pilots[0]?.payer
          if (stays >= 0) holds(payer === `client ${stays}`, `${payer} pays, the first to stay is ${stays}`)
          await clock.advance(5_000)
          const results = await Promise.all(waiting)
          const left = byDeadline ? 'deadline' : 'client-gone'
          results.forEach((result, index) => {
            const at = leaves[index] ?? null
            const isEarly = at !== null && at < 1_000
            holds(at === 1_000 || result === (isEarly ? left : 'landed'), `who left at ${at} got ${result}`)
          })
          const allLeft = leaves.every((at) => at !== null && at < 1_000)
          if (!leaves.includes(1_000)) holds(seen.aborts === (allLeft ? 1 : 0), `${seen.aborts} aborts`)
          const [leaver, follower] = [wait('leaver'), wait('follower')]
          const abandoned = outcome(flights.join('other', leaver.waiter, work))
          await clock.advance(100)
          leaver.controller.abort(gone())
          const followed = outcome(flights.join('other', follower.waiter, work))
          const again = flights.join('key', wait('late').waiter, work)
          await clock.advance(5_000)
          holds((await abandoned) === 'client-gone', 'the leaver left')
          holds((await followed) === 'landed', 'a caller joined what was cancelled')
          holds((await outcome(again)) === 'landed', 'a caller joined what was over')
        }),
        { seed, numRuns: 80 },
      )
    },
  }),
  property({
    id: 'C3',
    says: 'callers of different namespaces never share an answer',
    mutants: [
      {
        file: 'cache/cache-key.ts',
        find: '[schemaVersion, namespace, provider',
        replace: '[schemaVersion, provider',
      },
      {
        file: 'cache/cache-key.ts',
        find: "return identity.client === null ? null : JSON.stringify(['client', identity.principal, identity.client])",
        replace: 'return identity.principal + identity.client',
      },
    ],
    async check(rooms, seed) {
      const { cacheKey, cacheNamespace } = await rooms.load(keys)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const among = <Each>(all: readonly [Each, ...Each[]]): Each =>
        all[Math.floor(random() * all.length)] ?? all[0]
      const names = ['a', 'b', 'ab', 'aa', 'null', '', '"', ',', '","', 'team', 'principal', '\n'] as const
      const draw = () => ({
        team: random() < 0.5 ? null : among(names),
        principal: among(names),
        client: random() < 0.2 ? null : among(names),
      })
      type Who = ReturnType<typeof draw>
      const toIdentity = (each: Who) =>
        ({ ...each, label: '', root: null }) as unknown as Parameters<typeof cacheNamespace>[0]
      // What may be shared at all: the same team under `team`, the same principal, the same client of it.
      const mayShare = (a: Who, b: Who, scope: 'client' | 'principal' | 'team'): boolean => {
        if (scope === 'team' && (a.team !== null || b.team !== null)) return a.team === b.team
        if (a.principal !== b.principal) return false
        return scope !== 'client' || (a.client !== null && a.client === b.client)
      }
      const known = new Map<string, string | null>()
      const keyOf = (namespace: string): string | null => {
        if (!known.has(namespace)) known.set(namespace, cacheKey({ ...subject, namespace }))
        return known.get(namespace) ?? null
      }
      for (let pair = 0; pair < 100_000; pair++) {
        const a = draw()
        const b = draw()
        const scope = among(['client', 'principal', 'team'] as const)
        const one = cacheNamespace(toIdentity(a), scope)
        const two = cacheNamespace(toIdentity(b), scope)
        if (one === null || two === null) continue
        const isShared = keyOf(one) === keyOf(two)
        holds(isShared === mayShare(a, b, scope), `${one} and ${two} under ${scope}: shared is ${isShared}`)
      }
    },
  }),
  property({
    id: 'C4',
    says: 'a key does not know the order of members, and changes with every field that means something',
    mutants: [
      { file: 'cache/cache-key.ts', find: '.sort(([a], [b]) => (a < b ? -1 : 1))', replace: '' },
      {
        file: 'cache/cache-key.ts',
        find: '.filter(([, member]) => member !== undefined)',
        replace: ".filter(([name, member]) => member !== undefined && name !== 'documents')",
      },
      { file: 'cache/cache-key.ts', find: "hash.update('],')", replace: '' },
    ],
    async check(rooms, seed) {
      const { cacheKey } = await rooms.load(keys)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const key = cacheKey(subject)
      holds(key !== null && /^[0-9a-f]{64}$/.test(key), 'a key is a SHA-256')
      for (let i = 0; i < 50; i++) {
        holds(
          cacheKey(shuffled(subject, random) as CacheSubject) === key,
          'the order of members changed the key',
        )
      }
      const seen = new Map<string, string>([[key, 'nothing']])
      for (const path of leaves(subject)) {
        const other = cacheKey(changed(subject, path) as CacheSubject) ?? ''
        const twin = seen.get(other)
        holds(twin === undefined, `a change of ${path.join('.')} gives the key of a change of ${twin}`)
        seen.set(other, path.join('.'))
      }
      for (const name of Object.keys(job) as (keyof GenerateJob)[]) {
        const { [name]: _, ...rest } = job
        const other = cacheKey({ ...subject, job: rest as GenerateJob })
        holds(other !== key, `a job without ${name} has the same key`)
      }
      // Where one list ends and the next begins.
      const nested = (value: unknown) =>
        cacheKey({ ...subject, job: { ...job, documents: value } as GenerateJob })
      const shapes: unknown[] = [
        [],
        [[]],
        [[], []],
        [[[]]],
        {},
        [{}],
        { a: [] },
        [1, 2],
        [12],
        [[1], 2],
        [[1, 2]],
        '[]',
      ]
      holds(new Set(shapes.map(nested)).size === shapes.length, 'two shapes have one key')
      const bytes = (...values: number[]) =>
        cacheKey({ ...subject, job: { kind: 'extract', filename: 'f', bytes: Uint8Array.from(values) } })
      holds(bytes(1, 2) !== bytes(1, 3), 'bytes count')
    },
  }),
  property({
    id: 'C5',
    says: 'nothing incomplete is ever stored',
    mutants: [
      { file: 'cache/cache.ts', find: "facts.finish !== 'stop'", replace: 'facts.finish === null' },
      { file: 'cache/cache.ts', find: '|| facts.hasToolUses ', replace: '' },
    ],
    async check(rooms, seed) {
      const { cache } = await createCache(rooms, seed)
      const answer = 'an answer of some length'
      for (let cut = 0; cut <= answer.length; cut++) {
        for (const finish of ['stop', 'length', 'tool-use', 'cancelled', null]) {
          for (const hasToolUses of [false, true]) {
            const isWhole = finish === 'stop' && !hasToolUses
            const stored = cache.store('a', 'key', answer.slice(0, cut), { ...whole, finish, hasToolUses })
            holds(stored === isWhole, `${finish}, tools ${hasToolUses}: stored is ${stored}`)
            holds(isWhole || cut > 0 || cache.find('a', 'never') === null, 'found what was never kept')
          }
        }
      }
    },
  }),
  property({
    id: 'C6',
    says: 'the bytes kept never pass the bound, nor those of one namespace its part',
    mutants: [
      {
        file: 'cache/shelf.ts',
        find: 'while (shelf.bytes > this.#namespaceBytesMax) this.#removeOldest(namespace, shelf)',
        replace: '',
      },
      {
        file: 'cache/shelf.ts',
        find: 'this.#bytes -= stored.bytes',
        replace: 'this.#bytes -= stored.bytes * 2',
      },
    ],
    async check(rooms, seed) {
      const puts = fc.array(
        fc.record({
          namespace: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
          key: fc.integer({ min: 0, max: 20 }),
          bytes: fc.integer({ min: 0, max: 9_000 }),
        }),
        { minLength: 1, maxLength: 150 },
      )
      await fc.assert(
        fc.asyncProperty(puts, async (sequence) => {
          const { cache } = await createCache(rooms, seed)
          const sizes = new Map<string, number>()
          for (const { namespace, key, bytes } of sequence) {
            const name = `${namespace}/${key}`
            if (cache.store(namespace, name, name, { ...whole, bytes })) sizes.set(name, bytes)
            const kept = [...sizes].filter(([each]) => cache.find(each.slice(0, 1), each) !== null)
            const sum = (prefix: string) =>
              kept.filter(([each]) => each.startsWith(prefix)).reduce((total, [, size]) => total + size, 0)
            holds(sum('') <= 40_000 && cache.inspect().bytes <= 40_000, `${sum('')} bytes are kept`)
            holds(sum(namespace) <= 10_000, `${sum(namespace)} bytes are kept for ${namespace}`)
            holds(cache.inspect().answers === kept.length, 'the count is wrong')
          }
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
  property({
    id: 'C7',
    says: 'nothing is fresh after its time or there after its stale time, and a key has at most one refresh at once',
    mutants: [
      {
        file: 'cache/cache.ts',
        find: 'const isStale = ageMs >= this.#options.freshMs',
        replace: 'const isStale = ageMs >= this.#options.staleMs',
      },
      { file: 'cache/cache.ts', find: 'if (this.#refreshing.has(key)) return null', replace: '' },
      {
        file: 'cache/cache.ts',
        find: 'if (ageMs >= this.#options.staleMs) {',
        replace: 'if (ageMs >= 2 * this.#options.staleMs) {',
      },
      {
        file: 'cache/cache.ts',
        find: 'return ageMs + early >= this.#options.freshMs',
        replace: 'return early > 1e12',
      },
    ],
    async check(rooms, seed) {
      const reads = fc.array(fc.integer({ min: 1, max: 900_000 }), { minLength: 1, maxLength: 30 })
      await fc.assert(
        fc.asyncProperty(reads, async (gaps) => {
          const { clock, cache } = await createCache(rooms, seed)
          cache.store('a', 'key', 'answer', whole)
          let isRefreshing = false
          for (const gapMs of gaps) {
            await clock.advance(gapMs)
            const age = clock.now()
            const hit = cache.find('a', 'key')
            holds((hit !== null) === age < 3_600_000, `found is ${hit !== null} at ${age}`)
            if (!hit) continue
            holds(hit.isStale === age >= 600_000 && hit.ageMs === age, `stale is ${hit.isStale} at ${age}`)
            holds(!hit.refresh || !isRefreshing, 'a second refresh of one key')
            holds(!hit.isStale || isRefreshing || hit.refresh !== null, 'nobody refreshes a stale answer')
            if (hit.refresh) isRefreshing = true
          }
        }),
        { seed, numRuns: 60 },
      )
      // Shortly before its end a popular answer is refreshed early, by one reader.
      const { clock, cache } = await createCache(rooms, seed)
      cache.store('a', 'key', 'answer', { ...whole, tookMs: 20_000 })
      await clock.advance(599_000)
      const refreshed = Array.from({ length: 200 }, () => cache.find('a', 'key')).filter(
        (hit) => hit?.refresh,
      )
      holds(refreshed.length === 1, `${refreshed.length} of 200 readers refresh it early`)
    },
  }),
  property({
    id: 'C8',
    says: 'when all is over nobody waits, no flight is in the air and no timer or listener is left',
    mutants: [
      { file: 'cache/flight.ts', find: '    seat.timer.cancel()\n', replace: '' },
      {
        file: 'cache/flight.ts',
        find: '    this.#parts = null\n    this.#onEnd()',
        replace: '    this.#parts = null',
      },
    ],
    async check(rooms, seed) {
      const callers = fc.array(
        fc.record({
          key: fc.constantFrom('a', 'b', 'c'),
          atMs: fc.integer({ min: 0, max: 3_000 }),
          leavesMs: fc.option(fc.integer({ min: 0, max: 2_000 })),
          isBroken: fc.boolean(),
        }),
        { minLength: 1, maxLength: 30 },
      )
      await fc.assert(
        fc.asyncProperty(callers, async (all) => {
          const { clock, flights, fly, gone, broken, wait } = await createFlights(rooms)
          const waiting = all.map(async ({ key, atMs, leavesMs, isBroken }, index) => {
            await new Promise<void>((resolve) => clock.after(atMs, resolve))
            const each = wait(`client ${index}`)
            if (leavesMs !== null) clock.after(leavesMs, () => each.controller.abort(gone()))
            const work = fly(1_000, () => {
              if (isBroken) throw broken(index % 2 === 0)
              return 'answer'
            })
            return outcome(flights.join(key, each.waiter, work))
          })
          await clock.advance(30_000)
          await Promise.all(waiting)
          const { flights: flying, waiters } = flights.inspect()
          holds(flying === 0 && waiters === 0, `${flying} flights, ${waiters} waiters are left`)
          holds(clock.pendingTimers === 0, `${clock.pendingTimers} timers are left`)
        }),
        { seed, numRuns: 60 },
      )
    },
  }),
]
