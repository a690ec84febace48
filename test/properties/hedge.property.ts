// R6 with hedges: each is an attempt and a visit like any other, and its failure is its own.

import fc from 'fast-check'
import type { FailureCode } from '../../src/domain/failure.ts'
import { glm, kimi } from './job-fates.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

// A first attempt that is silent for two seconds at least, its hedge, and three more vendors, none of which answers: by vendor how long it
// is silent, how long it speaks then, and how it fails. None of the failures begins a new cycle.
const failing = (silentMs: number) =>
  fc.record({
    silentMs: fc.integer({ min: silentMs, max: 9_000 }),
    speaksMs: fc.option(fc.integer({ min: 0, max: 4_000 })),
    code: fc.constantFrom<FailureCode>(
      'timeout',
      'truncated',
      'provider-error',
      'unreachable',
      'credential-rejected',
      'permission-denied',
      'bad-request',
    ),
  })
const hedged = fc.record({
  glm: failing(2_100),
  kimi: failing(0),
  rest: fc.tuple(failing(0), failing(0), failing(0)),
})

/** Hedges in the retry loop. */
export const properties: readonly Property[] = [
  property({
    id: 'R6 hedged',
    says: 'a hedge is one of four attempts and a visit, but for one that was only slower, and what is told of a job is what happened',
    mutants: [
      {
        file: 'routing/attempt-starter.ts',
        find: 'history.visited.add(targetKey(target))\n    history.attempts++',
        replace: 'history.attempts++',
      },
      {
        file: 'routing/attempt-starter.ts',
        find: 'history.visited.add(targetKey(target))\n    history.attempts++',
        replace: 'history.visited.add(targetKey(target))',
      },
      {
        file: 'routing/attempt-starter.ts',
        find: 'tried(second, end.second,',
        replace: 'tried({ ...second, target: first.target }, end.second,',
      },
      {
        file: 'routing/attempt-starter.ts',
        find: 'return { target, failure: result.failure, tookMs: result.tookMs }',
        replace: 'return null',
      },
    ],
    async check(rooms, seed) {
      const rest = ['x', 'y', 'z'].map((name) => target(name, `${name}1`, `${name}/1`))
      await fc.assert(
        fc.asyncProperty(hedged, async (fates) => {
          const world = await createWorld(rooms, seed, { afterMs: 2_000, share: 1 })
          const job = settled(
            world.run({
              steps: [[glm], [kimi], ...rest.map((each) => [each])],
              isHedgeable: true,
              script: async (at, input) => {
                const fate = at === glm ? fates.glm : at === kimi ? fates.kimi : fates.rest[rest.indexOf(at)]
                await world.sleep(fate?.silentMs ?? 0, input.signal)
                if (fate?.speaksMs) {
                  input.meter.firstPart()
                  await world.sleep(fate.speaksMs, input.signal)
                }
                throw world.fail(fate?.code ?? 'internal')
              },
            }),
          )
          await world.clock.advance(240_000)
          const outcome = await job
          const { ends } = world.watch
          const said = ends.map(
            (end) => `${end.target.provider}${end.isHedge ? ' (hedge)' : ''} ${end.outcome}`,
          )
          const what = said.join(', ')
          const counted = ends.filter(({ outcome }) => outcome !== 'credential-rejected')
          holds(counted.length <= 4, `more than four attempts: ${what}`)
          const hedge = ends.find(({ isHedge }) => isHedge)
          holds(hedge?.target === kimi, `the second vendor is the hedge: ${what}`)
          const visits = ends.filter((end) => end.target === kimi).length
          const wasTried = hedge.outcome !== 'hedge-lost' && hedge.firstPartMs === null
          holds(!wasTried || visits === 1, `the hedge had failed, and its vendor was asked again: ${what}`)
          const failed = ends.filter(({ outcome }) => outcome !== 'hedge-lost')
          const own = failed.map((end) => `${end.target.accountName} ${end.target.model} (${end.outcome}`)
          const [, told = ''] = 'error' in outcome ? String(outcome.error).split('Tried before it: ') : []
          const tales: readonly string[] = told.match(/[\w/]+ [\w.-]+ \([\w-]+/g) ?? []
          for (const tale of tales) holds(own.includes(tale), `it tells of ${tale}, and there were ${what}`)
          // The last one speaks for itself.
          const missing = new Set(own.filter((each) => !tales.includes(each)))
          holds(missing.size <= 1, `it tells nothing of ${[...missing].join(', ')}`)
          holds(world.watch.held === 0, `${world.watch.held} slots are still held`)
        }),
        { seed, numRuns: 150 },
      )
    },
  }),
]
