// S1, S2, S3 and S6: what slow readers cost, how little they cost others, and that nobody's results suffer.

import fc from 'fast-check'
import { holds, type Property, property, room } from './kit.ts'
import { createReaderWorld } from './reader-world.ts'

const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const capBytes = 1_048_576
/** What the wire carries in a millisecond. */
const wireBytesPerMs = 100_000

function at<Each>(list: readonly Each[], index: number): Each {
  const each = list[index]
  holds(each !== undefined, `nothing at ${index}`)
  return each
}

function p99(values: readonly number[]): number {
  return at(
    values.toSorted((a, b) => a - b),
    Math.floor(values.length * 0.99),
  )
}

/** Readers, slow and quick. */
export const properties: readonly Property[] = [
  property({
    id: 'S1',
    says: 'a reader that takes nothing costs at most 1 MiB however much its tools say, and in the end its stream',
    mutants: [
      {
        file: 'streams/spool.ts',
        find: 'this.#latest.set(call, waiting)',
        replace: 'this.#latest.set({}, waiting)',
      },
      {
        file: 'streams/spool.ts',
        find: '    if (isHeld === this.#isHeld) return\n',
        replace: '    if (isHeld === this.#isHeld || isHeld) return\n',
      },
      {
        file: 'streams/slow-readers.ts',
        find: '&& !(watch.isSlow && waitingBytes > spoolBytesMax)) return',
        replace: ') return',
      },
      {
        file: 'streams/slow-readers.ts',
        find: '    if (idleMs < slowReaderMs',
        replace: '    if (idleMs < 10 * slowReaderMs',
      },
    ],
    async check(rooms) {
      const world = await createReaderWorld(rooms)
      const kept: number[] = []
      const readers = Array.from({ length: 20 }, (_, index) => ({ ...world.reader(index % 2 === 0), index }))
      const calls = Array.from({ length: 4 }, () => ({}))
      const progress = 'p'.repeat(12_000)
      const result = 'r'.repeat(60_000)
      let mostBytes = 0
      for (let n = 0; n < 400; n++) {
        for (const { sink, spool, index } of readers) {
          for (const call of calls) spool.putLatest(call, progress)
          // Who is held is asked nothing new, so no result of it comes.
          if (!sink.isHeld) spool.put(1, result, () => kept.push(index))
          mostBytes = Math.max(mostBytes, spool.waitingBytes)
        }
        while (world.turn());
      }
      holds(mostBytes <= capBytes, `${mostBytes} bytes wait for one reader`)
      // Results of calls that were under way may pass the cap: then it has until it is marked, and no longer.
      const heavy = at(readers, 0)
      for (let n = 0; n < 20; n++) heavy.spool.put(1, result, () => kept.push(heavy.index))
      await world.clock.advance(40_000)
      holds(heavy.sink.isLost, 'a marked reader keeps more than its spool')
      holds(!at(readers, 1).sink.isLost, 'a reader was given up too early')
      await world.clock.advance(100_000)
      holds(
        readers.every(({ sink }) => sink.isLost),
        'a reader that takes nothing keeps its stream',
      )
      holds(
        readers.every(({ index }) => kept.includes(index)),
        'a result was lost with its reader',
      )
      holds(
        readers.every(({ spool }) => spool.waitingBytes <= 65_536 + 60_000),
        'a lost reader still holds',
      )
      holds(world.clock.pendingTimers === 0, 'a timer is left')
    },
  }),
  property({
    id: 'S2',
    says: 'beside a reader that takes nothing and one that takes 64 MB, the gaps of the others stay under 5 ms',
    mutants: [
      {
        file: 'streams/flush-loop.ts',
        find: 'const deficit = saved + this.quantumBytes',
        replace: 'const deficit = Number.MAX_SAFE_INTEGER',
      },
    ],
    async check(rooms, seed) {
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const world = await createReaderWorld(rooms)
      let sent = 0
      const join = (isPrompt: boolean) => {
        const each = world.reader(true)
        each.sink.isPrompt = isPrompt
        each.sink.onWrite = (bytes) => {
          sent += bytes
        }
        return each
      }
      const stalled = join(false)
      const bulk = join(true)
      const others = Array.from({ length: 10 }, () => join(true))
      stalled.spool.put(1, 's'.repeat(4_000_000))
      for (let n = 0; n < 8; n++) bulk.spool.put(1, 'b'.repeat(8_000_000))
      const gaps: number[] = []
      const speak = (): void => {
        for (const { sink, spool } of others) {
          if (!spool.isClear) continue
          const before = sent
          sink.onWrite = (bytes) => {
            sent += bytes
            gaps.push((sent - before) / wireBytesPerMs)
          }
          spool.put(1, 'c'.repeat(1 + Math.floor(random() * 8_000)))
        }
      }
      do speak()
      while (world.turn() && !bulk.spool.isClear)
      while (world.turn());
      holds(bulk.spool.isClear && gaps.length >= others.length, 'they did not come to their end')
      holds(p99(gaps) < 5, `the p99 gap is ${p99(gaps)} ms`)
    },
  }),
  property({
    id: 'S3',
    says: 'results and questions arrive byte for byte, in order, once, however the reader pauses',
    mutants: [
      { file: 'streams/spool.ts', find: '    if (this.#begun !== null) return this.#begun\n', replace: '' },
      {
        file: 'streams/spool.ts',
        find: '    if (this.#results.length > 0) this.#flow.loop.enlist(this, 1)\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const steps = fc.array(
        fc.record({
          kind: fc.constantFrom('control', 'result', 'progress', 'read', 'turn'),
          size: fc.integer({ min: 1, max: 90_000 }),
          call: fc.integer({ min: 0, max: 2 }),
        }),
        { minLength: 1, maxLength: 80 },
      )
      // Whatever the dice: a question comes while a result is half out.
      const halfOut = (['result', 'turn', 'read', 'control', 'turn', 'read'] as const).map((kind) => ({
        kind,
        size: 90_000,
        call: 0,
      }))
      await fc.assert(
        fc.asyncProperty(steps, fc.boolean(), async (sequence, isDivisible) => {
          const world = await createReaderWorld(rooms)
          const { sink, spool } = world.reader(isDivisible)
          const calls = [{}, {}, {}]
          const sent: Record<string, string[]> = { control: [], result: [] }
          let number = 0
          for (const { kind, size, call } of sequence) {
            const body = '四ü🎉x'.repeat(Math.ceil(size / 10))
            number += 1
            if (kind === 'read') sink.read(size)
            else if (kind === 'turn') world.turn()
            else if (kind === 'progress') spool.putLatest(at(calls, call), `progress ${number} ${call}\n\n`)
            else {
              const message = `${kind} ${number} ${body}\n\n`
              sent[kind]?.push(message)
              spool.put(kind === 'control' ? 0 : 1, message)
            }
          }
          spool.end()
          while (world.turn() || sink.bufferedBytes > 0) sink.read(30_000)
          holds(!sink.isLost && sink.hasEnded, 'the stream did not come to its end')
          const got = sink.text().split('\n\n').slice(0, -1)
          for (const kind of ['control', 'result']) {
            const arrived = got.filter((message) => message.startsWith(kind)).map((each) => `${each}\n\n`)
            holds(
              arrived.join('') === sent[kind]?.join(''),
              `of ${sent[kind]?.length} ${kind} not all, or otherwise`,
            )
          }
          const told = got.filter((message) => message.startsWith('progress')).map((each) => each.split(' '))
          holds(
            told.length + (sent.control?.length ?? 0) + (sent.result?.length ?? 0) === got.length,
            'a message was torn',
          )
          for (const call of ['0', '1', '2']) {
            const numbers = told.filter(([, , of]) => of === call).map(([, n]) => Number(n))
            holds(
              numbers.every((n, index) => index === 0 || n > (numbers[index - 1] ?? 0)),
              'progress went back',
            )
          }
        }),
        { seed, numRuns: 150, examples: [[halfOut, true]] },
      )
    },
  }),
  property({
    id: 'S6',
    says: 'under full bulk load a control message waits less than 50 ms',
    mutants: [
      {
        file: 'streams/flush-loop.ts',
        find: 'const ranks: readonly Rank[] = [0, 1, 2]',
        replace: 'const ranks: readonly Rank[] = [1, 0, 2]',
      },
      {
        file: 'streams/spool.ts',
        find: ';(rank === 0 ? this.#control : this.#results).push(waiting)',
        replace: ';this.#results.push(waiting)',
      },
    ],
    async check(rooms, seed) {
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      for (const isDivisible of [true, false]) {
        const world = await createReaderWorld(rooms)
        let sent = 0
        const lanes = Array.from({ length: 200 }, () => world.reader(isDivisible))
        for (const { sink } of lanes) {
          sink.isPrompt = true
          sink.onWrite = (bytes) => {
            sent += bytes
          }
        }
        const waits: number[] = []
        for (let n = 0; n < 400; n++) {
          // Everybody always has more to say than goes out.
          for (const { spool } of lanes) if (spool.waitingBytes < 200_000) spool.put(1, 'b'.repeat(250_000))
          const { sink, spool } = at(lanes, Math.floor(random() * lanes.length))
          const before = sent
          const seen = sink.got.length
          spool.put(0, `pong ${n}`)
          while (!sink.got.slice(seen).some((part) => Buffer.from(part).toString() === `pong ${n}`)) {
            holds(world.turn() && sent - before < 2e7, 'a control message never left')
          }
          waits.push((sent - before) / wireBytesPerMs)
        }
        holds(p99(waits) < 50, `a control message waited ${p99(waits)} ms`)
      }
    },
  }),
]
