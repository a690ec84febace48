// C5, C6 and C7: what is kept, how much, and for how long.

import fc from 'fast-check'

import { brokenStreams, readBroken, wholeText } from './broken-streams.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'

const caches = room<typeof import('../../src/cache/cache.ts')>('cache/cache.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

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

/** What the cache promises. */
export const properties: readonly Property[] = [
  property({
    id: 'C5',
    says: 'nothing incomplete is ever stored',
    mutants: [
      { file: 'cache/cache.ts', find: "facts.finish !== 'stop'", replace: 'facts.finish === null' },
      { file: 'cache/cache.ts', find: '|| facts.hasToolUses ', replace: '' },
      {
        file: 'providers/dialect/chunk-reader.ts',
        find: 'return { parts, failure: this.#incomplete() }',
        replace: '',
      },
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
      for (const { name, bytes } of brokenStreams('stop')) {
        const outcome = await readBroken(rooms, bytes)
        if (outcome === null) continue
        const { text, finish } = outcome
        cache.store('a', name, text, { ...whole, finish })
        holds(text === wholeText, `kept ${JSON.stringify(text)} when ${name} was lost`)
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
            holds(
              cache.inspect().bytes >= sum(''),
              `${cache.inspect().bytes} bytes are counted of ${sum('')}`,
            )
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
]
