// R2, R3, R6, R7 and R9: how many attempts at once, until when, and where.

import type { FailureCode } from '../../src/domain/failure.ts'
import { chain, everyFate, glm, kimi, play } from './job-fates.ts'
import { holds, type Property, property } from './kit.ts'
import { createWorld, settled, target } from './routing-world.ts'

const callerFaults: readonly FailureCode[] = [
  'bad-request',
  'content-filtered',
  'document-unreadable',
  'not-found',
]

/** The retry loop. */
export const properties: readonly Property[] = [
  property({
    id: 'R2',
    says: 'a job never has two attempts at once unless it is hedged, and then two',
    mutants: [
      {
        file: 'routing/hedge.ts',
        find: 'else first.lose()',
        replace: '',
      },
      {
        file: 'routing/hedge.ts',
        find: 'await Promise.all([first.result, other.result])',
        replace:
          'await Promise.race([Promise.all([first.result, first.result]), Promise.all([other.result, other.result])])',
      },
    ],
    async check(rooms, seed) {
      const hedge = { afterMs: 2_000, share: 1 }
      await everyFate(
        seed,
        rooms,
        async (world, fate) => {
          await play(world, fate)
          holds(world.watch.most <= 1, `${world.watch.most} attempts at once without a hedge`)
        },
        hedge,
      )
      let mostSeen = 0
      await everyFate(
        seed,
        rooms,
        async (world, fate) => {
          const outcome = await play(world, fate, {
            isHedgeable: true,
            steps: [[glm], [kimi]],
            script: async (at, input) => {
              // The loser of a hedge takes a while to go: the job must wait for it.
              try {
                await world.sleep(at.provider === 'glm' ? 8_000 : 5_000, input.signal)
                input.meter.firstPart()
                await world.sleep(9_000, input.signal)
                return at.group
              } finally {
                await world.sleep(500)
              }
            },
          })
          mostSeen = Math.max(mostSeen, world.watch.most)
          holds(world.watch.most <= 2, `${world.watch.most} attempts at once with a hedge`)
          const done = world.watch.ends.filter((end) => end.outcome === 'done')
          holds(done.length === ('value' in outcome ? 1 : 0), `${done.length} attempts went on to their end`)
          const lost = world.watch.ends.find((end) => end.outcome === 'hedge-lost')
          const [won] = done
          holds(!lost || lost.firstPartMs === null, 'the one that had spoken lost')
          holds(
            !lost || !won || won.endedAtMs - lost.endedAtMs > 5_000,
            'the loser went on after the winner spoke',
          )
          holds(
            world.watch.ends.length === world.watch.started.length,
            'an end is missing when the job is over',
          )
        },
        hedge,
      )
      holds(mostSeen === 2, 'no hedge was ever made')
    },
  }),
  property({
    id: 'R3',
    says: 'no attempt starts after the deadline',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: '        assertInTime(clock, this.#plan, this.#trail.setbacks)\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      await everyFate(seed, rooms, async (world, fate) => {
        const timeoutMs = 30_000
        await play(world, { ...fate, waitForSlotMs: fate.waitForSlotMs ?? 7_000 }, { timeoutMs })
        for (const { at } of world.watch.started) holds(at < timeoutMs, `an attempt began at ${at}`)
      })
    },
  }),
  property({
    id: 'R6',
    says: 'a chain visits each target at most once a cycle, and a job makes at most four attempts beside requeues and dead keys',
    mutants: [
      {
        file: 'routing/attempts.ts',
        find: '        history.visited.add(targetKey(target))\n',
        replace: '',
      },
      { file: 'routing/retry-limits.ts', find: 'attempts: 4', replace: 'attempts: 7' },
    ],
    async check(rooms, seed) {
      const many = [
        ...chain,
        [target('x', 'x1', 'x/1')],
        [target('y', 'y1', 'y/1')],
        [target('z', 'z1', 'z/1')],
      ]
      const world = await createWorld(rooms, seed)
      const script = async () => Promise.reject(world.fail('provider-error', false))
      const job = settled(world.run({ steps: many, script }))
      await world.clock.advance(1_000)
      await job
      const tried = world.watch.started.map((start) => start.target.group)
      holds(tried.length === 4 && new Set(tried).size === 4, `four targets, each once: ${tried.join(', ')}`)
      await everyFate(seed, rooms, async (world, fate) => {
        await play(world, fate, { steps: many })
        const counted = world.watch.ends.filter(
          ({ outcome }) => outcome !== 'concurrency-limited' && outcome !== 'credential-rejected',
        )
        holds(counted.length <= 4, `${counted.length} attempts`)
        // A cooldown within the deadline begins a new cycle; without one there is none.
        if (world.watch.ends.some(({ outcome }) => outcome === 'rate-limited' || outcome === 'overloaded'))
          return
        if (world.watch.ends.some(({ outcome }) => outcome === 'quota-exhausted')) return
        // Where it was only sent back for concurrency it has not been.
        const visits = world.watch.ends
          .filter(({ outcome }) => outcome !== 'concurrency-limited')
          .map((end) => end.target.group)
          .filter((group, index, all) => group !== all[index - 1])
        holds(new Set(visits).size === visits.length, `visits: ${visits.join(', ')}`)
      })
    },
  }),
  property({
    id: 'R7',
    says: "a caller's fault makes exactly one attempt",
    mutants: [
      {
        file: 'routing/failure-class.ts',
        find: "'bad-request': 'stop'",
        replace: "'bad-request': 'transient'",
      },
    ],
    async check(rooms, seed) {
      for (const code of callerFaults) {
        const world = await createWorld(rooms, seed)
        const job = settled(world.run({ steps: chain, script: async () => Promise.reject(world.fail(code)) }))
        await world.clock.advance(60_000)
        holds('error' in (await job), 'it fails')
        holds(world.watch.ends.length === 1, `${code}: ${world.watch.ends.length} attempts`)
      }
    },
  }),
  property({
    id: 'R9',
    says: 'a vendor that was silent or failed slowly is left at once while another can be asked, and none may spend all the time',
    mutants: [
      {
        file: 'routing/next-step.ts',
        find: 'facts.wasQuick || !facts.hasOther ?',
        replace: 'facts.wasQuick || facts.hasOther ?',
      },
      {
        file: 'routing/attempts.ts',
        find: "code !== 'timeout' && tookMs <=",
        replace: 'tookMs <=',
      },
      { file: 'routing/attempts.ts', find: 'const quickShare = 1 / 8', replace: 'const quickShare = 7 / 8' },
      {
        file: 'routing/attempt-starter.ts',
        find: 'if (hasOther) return',
        replace: 'if (hasOther && this.#number > 99) return',
      },
    ],
    async check(rooms, seed) {
      const timeoutMs = 60_000
      await everyFate(seed, rooms, async (world, fate) => {
        const startedAt = world.clock.now()
        await play(world, { ...fate, waitForSlotMs: null, leavesAtMs: null }, { timeoutMs })
        const { ends, started } = world.watch
        const [first, next] = started
        const [end] = ends
        if (!first || !end) return
        holds(end.durationMs <= (2 / 3) * timeoutMs + 1, `the first of three took ${end.durationMs} ms`)
        const wasSlow =
          end.outcome === 'timeout' ||
          (['truncated', 'unreachable', 'provider-error'].includes(end.outcome) &&
            end.durationMs > timeoutMs / 8)
        if (!wasSlow || !next) return
        holds(next.target !== first.target, `${end.outcome} after ${end.durationMs} ms was asked again`)
        holds(next.at - startedAt <= end.durationMs + 1, `the next one waited until ${next.at}`)
      })
      // Stuck at once, or after a quick failure: the other still answers.
      for (const stuckFrom of [1, 2]) {
        const world = await createWorld(rooms, seed)
        const job = settled(
          world.run({
            steps: [[glm], [kimi]],
            timeoutMs,
            script: async (at, input) => {
              if (at === kimi) return 'in time'
              if (input.number < stuckFrom) throw world.fail('provider-error')
              await world.sleep(10 * timeoutMs, input.signal)
              return 'never'
            },
          }),
        )
        await world.clock.advance(timeoutMs)
        holds('value' in (await job), `stuck in attempt ${stuckFrom}, nobody else was asked in time`)
      }
      // Where nobody else is left, the last word is not the first silence.
      const world = await createWorld(rooms, seed)
      const job = settled(
        world.run({
          steps: [[glm]],
          script: async (_at, input) => {
            if (input.number === 1) throw world.fail('timeout')
            return 'at last'
          },
        }),
      )
      await world.clock.advance(20_000)
      holds('value' in (await job), 'a vendor without rivals gets a second chance')
    },
  }),
]
