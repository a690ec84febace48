// S4, S5 and S7: a slot's time has nothing to do with its caller's reading, a caller that leaves at any moment leaves nothing
// behind, and an event stream reads the same however it is cut.

import type { StreamPart } from '../../src/providers/provider.ts'
import { holds, type Property, property, room } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const readers = room<typeof import('../../src/routing/read-answer.ts')>('routing/read-answer.ts')
const events = room<typeof import('../../src/streams/sse-reader.ts')>('streams/sse-reader.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

const meter = { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} }
const pieces = 24
const answer: readonly StreamPart[] = [
  ...Array.from({ length: pieces }, (_, n) => ({ type: 'text-delta' as const, text: `piece ${n} ` })),
  { type: 'finish', reason: 'stop' },
]

/** Streams and their ends. */
export const properties: readonly Property[] = [
  property({
    id: 'S4',
    says: 'the time a slot is held does not depend on how fast its caller reads',
    mutants: [
      {
        file: 'routing/read-answer.ts',
        find: "if (ears.showsText) ears.progress({ kind: 'text'",
        replace: "if (ears.showsText) await ears.progress({ kind: 'text'",
      },
    ],
    async check(rooms) {
      const { readAnswer } = await rooms.load(readers)
      const { VirtualClock } = await rooms.load(clocks)
      for (const readMs of [0, 10, 5_000]) {
        const clock = new VirtualClock()
        const sleep = (ms: number): Promise<void> => new Promise((done) => clock.after(ms, done))
        async function* vendor() {
          for (const part of answer) {
            await sleep(20)
            yield part
          }
        }
        let heldMs = -1
        // What a surface that waited for its reader would answer; the room is told to take it for nothing.
        const progress = (): Promise<void> => sleep(readMs)
        const ears = { provider: 'glm', attempt: 1, showsText: true, offersTools: false, meter, progress }
        void readAnswer(vendor(), ears).then(() => {
          heldMs = clock.now()
        })
        await clock.advance(1_000_000)
        holds(
          heldMs === 20 * answer.length,
          `reading in ${readMs} ms a piece, the slot was held ${heldMs} ms`,
        )
      }
    },
  }),
  property({
    id: 'S5',
    says: 'a caller that leaves at any piece of the answer ends the vendor’s stream and leaves no slot behind',
    mutants: [
      {
        file: 'routing/attempt-run.ts',
        find: 'const abortOuter = (): void => controller.abort(told(start.signal.reason, target, silence()))',
        replace: 'const abortOuter = (): void => undefined',
      },
    ],
    async check(rooms, seed) {
      const { readAnswer } = await rooms.load(readers)
      const unhandled: unknown[] = []
      const note = (reason: unknown): void => void unhandled.push(reason)
      process.on('unhandledRejection', note)
      try {
        for (let leaveAt = 0; leaveAt <= pieces; leaveAt++) {
          const world = await createWorld(rooms, seed)
          const leaving = new AbortController()
          let hasEnded = false
          let given = 0
          async function* vendor(signal: AbortSignal) {
            try {
              for (const part of answer) {
                if (given === leaveAt) leaving.abort(world.fail('client-gone', false))
                signal.throwIfAborted()
                await world.sleep(20, signal)
                given += 1
                yield part
              }
            } finally {
              hasEnded = true
            }
          }
          const outcome = settled(
            world.run({
              steps: [[target('glm', 'glm-5.2', 'a')]],
              signal: leaving.signal,
              script: async (_target, input) => {
                const ears = {
                  provider: 'glm',
                  attempt: 1,
                  showsText: true,
                  offersTools: false,
                  meter,
                  progress: () => {},
                }
                return (await readAnswer(vendor(input.signal), ears)).text
              },
            }),
          )
          await world.clock.advance(100_000)
          holds('error' in (await outcome), `who left after ${leaveAt} pieces got an answer`)
          holds(given === leaveAt && hasEnded, `the vendor gave ${given} pieces to who left after ${leaveAt}`)
          const { held, running } = world.watch
          holds(held === 0 && running === 0, `${held} slots and ${running} attempts are left`)
          holds(world.clock.pendingTimers === 0, `${world.clock.pendingTimers} timers are left`)
        }
        await new Promise((done) => setImmediate(done))
        holds(unhandled.length === 0, `nobody took ${String(unhandled[0])}`)
      } finally {
        process.off('unhandledRejection', note)
      }
    },
  }),
  property({
    id: 'S7',
    says: 'an event stream cut at any byte, or at every one, reads the same',
    mutants: [
      {
        file: 'streams/sse-reader.ts',
        find: 'decoder.decode(bytes, { stream: true })',
        replace: 'decoder.decode(bytes)',
      },
      { file: 'streams/sse-reader.ts', find: 'parser.feed(text)', replace: "parser.feed(text + '\\n')" },
    ],
    async check(rooms) {
      const { readEvents } = await rooms.load(events)
      const text =
        '\uFEFF: hello 四\r\n\r\ndata: {"text":"ünï 四十二 🎉"}\r\n\r\ndata: two\ndata: lines\n\n\r\ndata:x\r\rdata: [DONE]\n\n'
      const bytes = new TextEncoder().encode(text)
      const read = async (cuts: readonly number[]): Promise<string> => {
        async function* body() {
          const ends = [0, ...cuts, bytes.length]
          for (const [index, end] of ends.slice(1).entries()) yield bytes.subarray(ends[index], end)
        }
        const all: string[] = []
        for await (const batch of readEvents(body(), { eventCharsMax: 1_000 })) all.push(...batch)
        return JSON.stringify(all)
      }
      const whole = await read([])
      holds(
        whole === JSON.stringify(['{"text":"ünï 四十二 🎉"}', 'two\nlines', 'x', '[DONE]']),
        `read ${whole}`,
      )
      for (let cut = 0; cut <= bytes.length; cut++) {
        for (let second = cut; second <= bytes.length; second += 7) {
          const cutTwice = await read([cut, second])
          holds(cutTwice === whole, `cut at ${cut} and ${second} it reads ${cutTwice}`)
        }
      }
      const everywhere = await read(Array.from({ length: bytes.length }, (_, index) => index))
      holds(everywhere === whole, `cut at every byte it reads ${everywhere}`)
    },
  }),
]
