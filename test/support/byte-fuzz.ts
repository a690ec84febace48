// Spoils bytes and texts for parsers that must bear anything: a few edits of the kinds that torn lines, bad disks and bad people make.
// Seeded: the same dice make the same inputs.

import { createSeededRandom } from '../../src/lib/random.ts'

/** Dice of one run. */
export interface Dice {
  /** A whole number from 0, below `count`. */
  below(count: number): number
  pick<Item>(items: readonly Item[]): Item
  chance(share: number): boolean
}

/** Dice that fall alike for the same seed. */
export function createDice(seed: number): Dice {
  const random = createSeededRandom(seed)
  const below = (count: number): number => Math.floor(random() * count)
  return { below, pick: (items) => items[below(items.length)] as never, chance: (share) => random() < share }
}

const odd = [0, 9, 10, 13, 32, 34, 37, 45, 58, 92, 127, 128, 0xc0, 0xed, 0xfe, 0xff]

/** One to five edits: a byte changed, a piece cut, doubled, moved, or strange bytes put in. */
export function mutate(bytes: Uint8Array, dice: Dice): Buffer {
  let result = Buffer.from(bytes)
  for (let n = dice.below(5) + 1; n > 0; n--) {
    const at = dice.below(result.length + 1)
    const end = Math.min(result.length, at + 1 + dice.below(dice.chance(0.8) ? 4 : 64))
    const piece = result.subarray(at, end)
    const parts: readonly Uint8Array[] = dice.pick([
      [
        result.subarray(0, at),
        Buffer.from([dice.below(256)]),
        result.subarray(Math.min(at + 1, result.length)),
      ],
      [result.subarray(0, at), result.subarray(end)],
      [result.subarray(0, end), piece, result.subarray(end)],
      [piece, result.subarray(0, at), result.subarray(end)],
      [result.subarray(0, at), Buffer.from([dice.pick(odd)]), result.subarray(at)],
    ])
    result = Buffer.concat(parts)
  }
  return result
}

const letters = [
  'a',
  'Z',
  '7',
  ' ',
  'ä',
  '漢',
  '😀',
  '\\',
  '"',
  ':',
  '%',
  '/',
  '.',
  '\u0000',
  '\u202e',
  '\ud800',
] as const

/** A short text of letters that parsers trip over. */
export function oddText(dice: Dice, charsMax = 12): string {
  return Array.from({ length: dice.below(charsMax + 1) }, () => dice.pick(letters)).join('')
}

/** The bytes in pieces, cut anywhere, in the middle of characters too. */
export function* pieces(bytes: Uint8Array, dice: Dice): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + 1 + dice.below(dice.chance(0.5) ? 3 : 200))
    yield bytes.subarray(at, end)
    at = end
  }
}
