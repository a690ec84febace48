// L1, for a job that already has its place: what it does when its vendor takes no more at once.

import type { Target } from '../../src/routing/target.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

/** Jobs that are sent back. */
export const properties: readonly Property[] = [
  property({
    id: 'L1 sent back',
    says: 'a job that the vendor sends back for concurrency goes to another account of its step at once where that would start it now, and else waits in its place',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: 'if (this.#choice.startsBeside(',
        replace: 'if (history.requeues > 30 && this.#choice.startsBeside(',
      },
      {
        file: 'routing/candidate-choice.ts',
        find: '&& this.#isFree(each) && startsNow(site.load(each))',
        replace: '&& this.#isFree(each)',
      },
    ],
    async check(rooms, seed) {
      for (const isIdle of [true, false]) {
        const world = await createWorld(rooms, seed)
        const groups = [target('glm', 'glm-5.2', 'glm/one'), target('glm', 'glm-5.2', 'glm/two')]
        let first: Target | null = null
        const job = settled(
          world.run({
            steps: [groups],
            script: async (at) => {
              first ??= at
              // Others use the slots of the first for a second.
              if (at === first && world.clock.now() < 1_000) throw world.fail('concurrency-limited')
              return at === first ? 'there' : 'elsewhere'
            },
            wrap: (site) => ({
              ...site,
              load: (each) => ({ inFlight: first === null || each === first || isIdle ? 0 : 4, capacity: 4 }),
            }),
          }),
        )
        await world.clock.advance(0)
        holds(world.watch.ends.length === (isIdle ? 2 : 1), `${world.watch.ends.length} attempts at once`)
        for (let i = 0; i < 20; i++) await world.clock.advance(100)
        const outcome = await job
        const answer = 'value' in outcome ? outcome.value : 'nothing'
        holds(answer === (isIdle ? 'elsewhere' : 'there'), `the answer came from ${answer}`)
        holds(world.watch.held === 0, 'slots are back')
      }
    },
  }),
]
