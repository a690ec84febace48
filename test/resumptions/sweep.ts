// Learns how many resumptions a call has, then breaks one off at each of them, and holds each time that nothing is left and that the
// next call is served as if nothing had been.

import { holds, type Rooms, room } from '../properties/kit.ts'
import { assertRight, inputFor, type Play } from './plays.ts'
import { type NumberedCall, type Strike, World } from './world.ts'

const registries = room<typeof import('../../src/tools/registry.ts')>('tools/registry.ts')

/** What a sweep has shown. */
export interface Sweep {
  /** Resumptions of an undisturbed call. */
  readonly resumptions: number
  /** 1: at each of them; 6: at the 1st, the 7th and so on. */
  readonly stride: number
  /** Up to which a call was broken off. */
  readonly struck: Readonly<Record<Strike, number>>
}

const warmUps = 3
const triesMax = 4

/** Sweeps one play. Throws with the first k at which something was left or went wrong. */
export async function sweep(rooms: Rooms, play: Play): Promise<Sweep> {
  const { tools } = await rooms.load(registries)
  const tool = tools.find(({ name }) => name === play.tool)
  holds(tool !== undefined, `there is no tool ${play.tool}`)
  const world = await World.open(rooms)
  const stride = process.env.EXAI_RESUMPTIONS === 'all' ? 1 : (play.stride ?? 1)
  let runs = 0
  const inputOf = (): ReturnType<typeof inputFor> => {
    const input = inputFor(tool, `mark-${play.tool}-${10_000 + ++runs}`)
    return play.dress?.(world, input) ?? input
  }

  const undisturbed = async (): Promise<number> => {
    const input = inputOf()
    const call = await play.run(world, input, { at: 0, strike: 'cancel' })
    assertRight(await call.answer, input, 'an undisturbed call')
    const { resumptions } = world
    await world.settle()
    return resumptions
  }
  const struckAt = async (at: number, strike: Strike): Promise<NumberedCall> => {
    const input = inputOf()
    const call = await play.run(world, input, { at, strike })
    if (!call.isStruck) {
      const answer = await call.answer
      // Its answer leaves at the end of its turn: the blow may have come between.
      if (!call.isStruck) assertRight(answer, input, 'a call that ended before its blow')
    }
    await world.settle()
    // Every so often after a disconnect, so that calls also begin without a socket to the vendor.
    if (strike === 'disconnect' && at % (8 * stride) !== 1) return call
    const next = inputOf()
    assertRight(await world.ask(play.tool, next), next, 'the next call')
    await world.settle()
    return call
  }
  // The last one is found when a call ends before its blow. A socket opened anew has some steps more than one kept alive.
  const all = async (strike: Strike, least: number): Promise<number> => {
    for (let at = 1; ; at += stride) {
      let isStruck = false
      const tries = at <= least ? triesMax : 1
      for (let attempt = 0; attempt < tries && !isStruck; attempt++) {
        try {
          isStruck = (await struckAt(at, strike)).isStruck
        } catch (error) {
          throw new Error(
            `${play.name}, ${strike} at ${at}: ${error instanceof Error ? error.message : String(error)}`,
            { cause: error },
          )
        }
      }
      if (!isStruck) return at - stride
    }
  }

  let sweep: Sweep
  try {
    for (let run = 0; run < warmUps; run++) await undisturbed()
    const resumptions = await undisturbed()
    const struck = {
      cancel: await all('cancel', resumptions),
      disconnect: await all('disconnect', resumptions),
    }
    await world.settle()
    sweep = { resumptions, stride, struck }
  } catch (error) {
    // What it found goes before what its end would say.
    await world.close().catch(() => {})
    throw error
  }
  await world.close()
  return sweep
}
