import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { Balance, type GroupLoad } from './balance.ts'
import type { Target } from './target.ts'
import { targetOf } from './target-of.ts'

const left = targetOf({ group: 'glm/left' })
const right = targetOf({ group: 'glm/right' })
const both = [left, right] as const
const noExploring = 0.5
const [drawsLeft, drawsRight] = [0, 0.75]

// Dice that fall as they are told to, and no more often.
function open(...falls: readonly number[]) {
  const clock = new VirtualClock()
  const dice = [...falls]
  const random = (): number => {
    const fall = dice.shift()
    if (fall === undefined) throw new Error('The dice were thrown more often than the test says.')
    return fall
  }
  return { clock, dice, balance: new Balance({ clock, random }) }
}

// Left is drawn first, right second: right wins only where it is clearly the healthier.
const leftThenRight = [noExploring, drawsLeft, drawsRight] as const
const idle = (): GroupLoad => ({ inFlight: 0, capacity: 4 })

function loads(onLeft: GroupLoad, onRight: GroupLoad) {
  return (target: Target): GroupLoad => (target.group === left.group ? onLeft : onRight)
}

describe('while a group has a free slot', () => {
  const busyAnd = (slots: number) => loads({ inFlight: 4, capacity: 4 }, { inFlight: 4 - slots, capacity: 4 })

  it('no job waits behind a busy one, whatever the lot says and however fast that is', () => {
    for (const weights of [
      [1, 1],
      [1, 10],
      [10, 1],
    ] as const) {
      const pair = [
        targetOf({ group: 'glm/left', weight: weights[0] }),
        targetOf({ group: 'glm/right', weight: weights[1] }),
      ] as const
      for (const slots of [1, 4]) {
        // No dice: there is nothing to choose.
        const { balance } = open()
        balance.observeFirstPart(pair[0], 100)
        balance.observeFirstPart(pair[1], 60_000)
        expect(balance.pick(pair, busyAnd(slots), null)).toBe(pair[1])
      }
    }
  })

  it('the others share by weight among themselves', () => {
    const [full, heavy, light] = [4, 3, 1].map((weight, index) =>
      targetOf({ group: `glm/${index}`, weight }),
    ) as [Target, Target, Target]
    const load = (each: Target): GroupLoad => ({ inFlight: each === full ? 9 : 0, capacity: 4 })
    for (const [fall, winner] of [
      [0.74, heavy],
      [0.76, light],
    ] as const) {
      const { balance } = open(noExploring, fall, fall)
      expect(balance.pick([full, heavy, light], load, null)).toBe(winner)
    }
    // Who explores makes nobody wait either.
    expect(open(0, 0).balance.pick([full, heavy, light], load, null)).toBe(heavy)
  })

  it('no job waits for rates, with a slot free as well, beside one that would start it', () => {
    const waits = loads({ inFlight: 0, capacity: 4, waitMs: 1 }, { inFlight: 3, capacity: 4, waitMs: 0 })
    for (const affinity of [null, ...Array.from({ length: 20 }, (_, index) => `conversation ${index}`)]) {
      expect(open().balance.pick(both, waits, affinity)).toBe(right)
    }
  })

  it('one of weight 0 takes nothing from a busy one', () => {
    const spare = targetOf({ group: 'glm/right', weight: 0 })
    expect(open().balance.pick([left, spare], busyAnd(4), null)).toBe(left)
  })
})

describe('where every group is full', () => {
  it('two are always compared: the one with less to do for its slots gets the job', () => {
    const lines = loads({ inFlight: 40, capacity: 2 }, { inFlight: 3, capacity: 2 })
    for (const draws of [drawsLeft, drawsRight]) {
      // With one draw the other one is known; the second throw finds it alone.
      expect(open(noExploring, draws, draws).balance.pick(both, lines, null)).toBe(right)
    }
    const slots = loads({ inFlight: 8, capacity: 8 }, { inFlight: 80, capacity: 80 })
    expect(open(noExploring, drawsLeft, 0).balance.pick(both, slots, null)).toBe(left)
  })

  it('of three the second is drawn by weight from those that are left', () => {
    const [first, second, third] = [2, 3, 1].map((weight, index) =>
      targetOf({ group: `glm/${index}`, weight }),
    ) as [Target, Target, Target]
    const load = (each: Target): GroupLoad => ({ inFlight: each === first ? 90 : 4, capacity: 4 })
    for (const [fall, winner] of [
      [0.74, second],
      [0.76, third],
    ] as const) {
      expect(open(noExploring, 0, fall).balance.pick([first, second, third], load, null)).toBe(winner)
    }
  })

  it('or its rates are used up, the one that starts it sooner gets the job, as late as it answers', () => {
    const rates = loads(
      { inFlight: 0, capacity: 4, waitMs: 9_000 },
      { inFlight: 0, capacity: 4, waitMs: 3_000 },
    )
    for (const [ms, winner] of [
      [3_000, right],
      [9_000, left],
    ] as const) {
      const { balance } = open(noExploring, drawsLeft, 0)
      balance.observeFirstPart(left, 300)
      balance.observeFirstPart(right, ms)
      expect(balance.pick(both, rates, null)).toBe(winner)
    }
  })

  it('the one of more weight has the longer line', () => {
    const heavy = targetOf({ group: 'glm/right', weight: 4 })
    const full = () => ({ inFlight: 8, capacity: 8 })
    expect(open(noExploring, drawsLeft, 0).balance.pick([left, heavy], full, null)).toBe(heavy)
  })
})

describe('of two groups drawn', () => {
  it('the one that has used less of its capacity wins, however much it holds', () => {
    const { balance } = open(...leftThenRight)
    const used = loads({ inFlight: 7, capacity: 8 }, { inFlight: 10, capacity: 80 })
    expect(balance.pick(both, used, null)).toBe(right)
  })

  it('the one of more weight may carry more', () => {
    const heavy = targetOf({ group: 'glm/right', weight: 4 })
    const { balance } = open(...leftThenRight)
    expect(balance.pick([left, heavy], () => ({ inFlight: 7, capacity: 8 }), null)).toBe(heavy)
  })

  it('one that was never asked is held for as fast as the others are', () => {
    const third = targetOf({ group: 'glm/third' })
    const [drawsFirst, drawsThird] = [0, 0.9]
    // 300 ms and 900 ms make 600: a quarter better than the slow one, and not than the fast one.
    for (const [drawn, winner] of [
      [[drawsFirst, drawsThird], left],
      [[0.5, drawsThird], third],
      [[drawsThird, 0.5], third],
      [[drawsThird, drawsFirst], left],
    ] as const) {
      const { balance } = open(noExploring, ...drawn)
      balance.observeFirstPart(left, 300)
      balance.observeFirstPart(right, 900)
      expect(balance.pick([left, right, third], idle, null)).toBe(winner)
    }
    const { balance } = open(noExploring, drawsRight, drawsLeft)
    balance.observeFirstPart(left, 200)
    expect(balance.pick(both, idle, null)).toBe(right)
  })

  it('the one that answers sooner wins', () => {
    const { balance } = open(...leftThenRight)
    balance.observeFirstPart(left, 3_000)
    balance.observeFirstPart(right, 300)
    expect(balance.pick(both, idle, null)).toBe(right)
  })

  it('the one that nobody sent away of late wins', () => {
    const { balance } = open(...leftThenRight)
    for (let i = 0; i < 5; i++) {
      balance.observeAnswer(left, true)
      balance.observeAnswer(right, false)
    }
    expect(balance.pick(both, idle, null)).toBe(right)
  })

  it('the first stays where the second is better by a quarter at most', () => {
    for (const [ms, winner] of [
      [900, left],
      [800, left],
      [799, right],
    ] as const) {
      const { balance } = open(...leftThenRight)
      balance.observeFirstPart(left, 1_000)
      balance.observeFirstPart(right, ms)
      expect(balance.pick(both, idle, null)).toBe(winner)
    }
  })

  it('both are drawn by weight', () => {
    const heavy = targetOf({ group: 'glm/left', weight: 3 })
    for (const [fall, winner] of [
      [0.74, heavy],
      [0.76, right],
    ] as const) {
      expect(open(noExploring, fall, fall).balance.pick([heavy, right], idle, null)).toBe(winner)
    }
  })

  it('one that is busier loses, whatever number the weights are said in', () => {
    for (const weight of [1, 1_000]) {
      const pair = [
        targetOf({ group: 'glm/left', weight }),
        targetOf({ group: 'glm/right', weight }),
      ] as const
      const { balance } = open(...leftThenRight)
      const busy = loads({ inFlight: 3, capacity: 4 }, { inFlight: 0, capacity: 4 })
      expect(balance.pick(pair, busy, null)).toBe(pair[1])
    }
  })
})

it('two jobs in a hundred go wherever the lot falls, so that a group once slow is seen to be fast again', () => {
  const explored = open(0.019, 0.9)
  explored.balance.observeFirstPart(right, 60_000)
  expect(explored.balance.pick(both, idle, null)).toBe(right)
  const compared = open(0.02, drawsRight, drawsLeft)
  compared.balance.observeFirstPart(left, 300)
  compared.balance.observeFirstPart(right, 60_000)
  expect(compared.balance.pick(both, idle, null)).toBe(left)
})

describe('a group of weight 0', () => {
  const spare = targetOf({ group: 'glm/spare', weight: 0 })

  it('stands by while another is usable, however full or slow, and in every lot', () => {
    const { balance } = open()
    balance.observeFirstPart(right, 60_000)
    const full = loads({ inFlight: 0, capacity: 4 }, { inFlight: 9, capacity: 4 })
    expect(balance.pick([spare, right], full, null)).toBe(right)
    expect(balance.pick([spare, right], full, 'a conversation')).toBe(right)
    expect(open(0.019, 0).balance.pick([spare, left, right], idle, null)).toBe(left)
  })

  it('is taken where there is no other, and several share evenly', () => {
    expect(open(noExploring, 0.9, 0.9).balance.pick([spare], idle, null)).toBe(spare)
    const second = targetOf({ group: 'glm/second', weight: 0 })
    expect(open(noExploring, 0.4, 0.4).balance.pick([spare, second], idle, null)).toBe(spare)
    expect(open(noExploring, 0.6, 0.6).balance.pick([spare, second], idle, null)).toBe(second)
  })
})

describe('a conversation', () => {
  const conversations = Array.from({ length: 2_000 }, (_, index) => `conversation ${index}`)
  const homeOf = (targets: readonly [Target, ...Target[]], conversation: string): Target =>
    open().balance.pick(targets, ({ weight }) => ({ inFlight: 100 * weight, capacity: 999 }), conversation)
  const ofLeft = (targets: readonly [Target, ...Target[]]): string =>
    conversations.find((each) => homeOf(targets, each).group === left.group) ??
    expect.fail('nobody lives left')

  it('finds its home by weight: a group of four times the weight is home to four times as many', () => {
    const heavy = targetOf({ group: 'glm/heavy', weight: 4 })
    const light = [1, 2, 3, 4].map((index) => targetOf({ group: `glm/light-${index}` }))
    const homes = conversations.map((each) => homeOf([heavy, ...light], each))
    const shareOf = (target: Target): number =>
      homes.filter((home) => home === target).length / conversations.length
    // Half and an eighth each; four deviations of 2,000 draws are 0.045 and 0.03.
    expect(Math.abs(shareOf(heavy) - 0.5)).toBeLessThan(0.045)
    for (const target of light) expect(Math.abs(shareOf(target) - 0.125)).toBeLessThan(0.03)
  })

  it('stays at home until that is a quarter over its fair load, and goes next door then', () => {
    const atLeft = ofLeft(both)
    const at = (onLeft: number, onRight: number): Target =>
      open().balance.pick(
        both,
        loads({ inFlight: onLeft, capacity: 99 }, { inFlight: onRight, capacity: 99 }),
        atLeft,
      )
    // With the job itself, half of five is 2.5, and a quarter more, rounded up, is four.
    expect(at(3, 1)).toBe(left)
    expect(at(4, 1)).toBe(right)
  })

  it('counts a heavy group a load to its weight as fair', () => {
    const heavy = targetOf({ group: 'glm/left', weight: 2 })
    const targets = [heavy, right] as const
    const atHeavy = ofLeft(targets)
    const at = (onLeft: number): Target =>
      open().balance.pick(
        targets,
        loads({ inFlight: onLeft, capacity: 99 }, { inFlight: 1, capacity: 99 }),
        atHeavy,
      )
    // Of seven jobs two thirds are 4.7, and a quarter more, rounded up, is six; of fourteen it is twelve.
    expect(at(5)).toBe(heavy)
    expect(at(12)).toBe(right)
  })

  it('has more room in a group of more slots', () => {
    const atLeft = ofLeft(both)
    const at = (onLeft: number): Target =>
      open().balance.pick(
        both,
        loads({ inFlight: onLeft, capacity: 20 }, { inFlight: 1, capacity: 10 }),
        atLeft,
      )
    // Of ten jobs two thirds are 6.7, and a quarter more, rounded up, is nine; of twelve it is ten.
    expect(at(8)).toBe(left)
    expect(at(10)).toBe(right)
  })

  it('goes next door when home has no free slot, and waits at home when nobody has', () => {
    const atLeft = ofLeft(both)
    const at = (onLeft: number, onRight: number): Target =>
      open().balance.pick(
        both,
        loads({ inFlight: onLeft, capacity: 2 }, { inFlight: onRight, capacity: 2 }),
        atLeft,
      )
    expect(at(1, 1)).toBe(left)
    expect(at(2, 1)).toBe(right)
    expect(at(2, 2)).toBe(left)
  })

  it('waits at home for rates, but not seconds longer than next door', () => {
    const atLeft = ofLeft(both)
    const at = (onLeft: number, onRight: number): Target =>
      open().balance.pick(
        both,
        loads({ inFlight: 1, capacity: 9, waitMs: onLeft }, { inFlight: 1, capacity: 9, waitMs: onRight }),
        atLeft,
      )
    expect(at(2_000, 1_000)).toBe(left)
    expect(at(2_001, 1_000)).toBe(right)
    expect(at(Number.POSITIVE_INFINITY, 60_000)).toBe(right)
    expect(at(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)).toBe(left)
  })

  it('waits nowhere while there is a free slot, be it of a group that has more than its share', () => {
    const heavy = targetOf({ group: 'glm/left', weight: 9 })
    const targets = [heavy, right] as const
    // Of four jobs the light one's part, and a quarter more, is half a job: it has one.
    const load = loads({ inFlight: 2, capacity: 2 }, { inFlight: 1, capacity: 2 })
    expect(open().balance.pick(targets, load, ofLeft(targets))).toBe(right)
  })

  it('stays at home where no group has any weight', () => {
    const weightless = both.map((target) => ({ ...target, weight: 0 }))
    const [first = left, ...rest] = weightless
    const home = homeOf([first, ...rest], 'a conversation')
    expect(weightless).toContain(home)
    expect(homeOf([first, ...rest], 'a conversation')).toBe(home)
  })
})
