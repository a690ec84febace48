// A vendor's answer as bytes, and every way of losing some of them that a reader could take for an answer: the bytes end anywhere, or
// one frame is cut anywhere while the next ones come, in order or on the same line. For properties that must see bytes, not parts.

import type { AttemptOutcome } from '../../src/routing/read-answer.ts'
import { type Rooms, room } from './kit.ts'
import { settled } from './routing-world.ts'

const answers = room<typeof import('../../src/routing/read-answer.ts')>('routing/read-answer.ts')
const dialects = room<typeof import('../../src/providers/openai-dialect.ts')>('providers/openai-dialect.ts')
const readers = room<typeof import('../../src/providers/dialect/chunk-reader.ts')>(
  'providers/dialect/chunk-reader.ts',
)
const patiences = room<typeof import('../../src/streams/patience.ts')>('streams/patience.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

/** What the vendor says when nothing is lost. */
export const wholeText = 'You must NOT delete it.'

/** Bytes, what was done to them, and whether the end of the answer may still be known. */
interface BrokenStream {
  readonly name: string
  readonly bytes: Uint8Array
  readonly isWhole: boolean
}

const choice = (delta: object, finish: string | null): string =>
  JSON.stringify({ choices: [{ delta, finish_reason: finish }] })

/** An answer that ends with `finish` as its vendor says it, broken in every way; the first is not. */
export function* brokenStreams(finish: string): Generator<BrokenStream> {
  const frames = [
    choice({ role: 'assistant', content: 'You must ' }, null),
    choice({ content: 'NOT ' }, null),
    choice({ content: 'delete it.' }, null),
    choice({}, finish),
    JSON.stringify({ choices: [], usage: { prompt_tokens: 9, completion_tokens: 6 } }),
    '[DONE]',
  ]
  const lastSaid = 3
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
  const lines = frames.map((frame) => `data: ${frame}\n\n`)
  const whole = lines.join('')
  yield { name: 'nothing', bytes: encode(whole), isWhole: true }
  const said = lines.slice(0, lastSaid + 1).join('').length - '\n\n'.length
  for (let end = 0; end < whole.length; end++)
    yield { name: `all after ${end} bytes`, bytes: encode(whole.slice(0, end)), isWhole: end >= said }
  for (const [index, frame] of frames.entries()) {
    for (let end = 0; end < frame.length; end++) {
      for (const between of ['', '\n\n']) {
        const cut = `data: ${frame.slice(0, end)}${between}`
        const name = `all of frame ${index} after ${end} bytes, ${between === '' ? 'the next one glued to it' : 'the next one in order'}`
        // A frame lost to its first byte leaves an empty event: hosts send such ones to keep a connection alive.
        if (end > 0) yield { name, bytes: encode(lines.with(index, cut).join('')), isWhole: index > lastSaid }
      }
    }
  }
}

/** What routing makes of the bytes; null for a failure. */
export async function readBroken(rooms: Rooms, bytes: Uint8Array): Promise<AttemptOutcome | null> {
  const { readAnswer } = await rooms.load(answers)
  const { readStream } = await rooms.load(dialects)
  const { ChunkReader } = await rooms.load(readers)
  const { Patience } = await rooms.load(patiences)
  const { VirtualClock } = await rooms.load(clocks)
  async function* body() {
    yield bytes
  }
  using patience = new Patience(new VirtualClock(), () => undefined)
  const reader = new ChunkReader({
    provider: 'glm',
    inputTokensEstimate: () => 9,
    toFailure: ({ message }) => {
      throw new Error(`nobody sent an error: ${message}`)
    },
  })
  const signal = new AbortController().signal
  const parts = readStream(body(), reader, { silenceTimeoutMs: 1_000 }, { patience, signal })
  const meter = { began: () => {}, firstPart: () => 0, usage: () => {}, outputChars: () => {} }
  const outcome = await settled(
    readAnswer(parts, {
      provider: 'glm',
      attempt: 1,
      showsText: true,
      offersTools: false,
      meter,
      progress: () => {},
    }),
  )
  return 'value' in outcome ? outcome.value : null
}
