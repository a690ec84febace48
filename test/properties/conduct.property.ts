// B4, its second half: what a vendor says never changes a client's score, whichever call it is said of; the client's own faults do.

import fc from 'fast-check'
import type { CallFailure } from '../../src/domain/failure.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { identityOf } from '../../src/domain/identity-of.ts'
import { holds, type Property, property, type Rooms, room } from './kit.ts'
import { target } from './routing-world.ts'

const doors = room<typeof import('../../src/admission/front-door.ts')>('admission/front-door.ts')
const boxes = room<typeof import('../../src/admission/penalty-box.ts')>('admission/penalty-box.ts')
const runners = room<typeof import('../../src/calls/run.ts')>('calls/run.ts')
const failures = room<typeof import('../../src/domain/failure.ts')>('domain/failure.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')
const vendors = room<typeof import('../../src/providers/vendor-failure.ts')>('providers/vendor-failure.ts')
const glmErrors = room<typeof import('../../src/providers/glm-errors.ts')>('providers/glm-errors.ts')
const kimiErrors = room<typeof import('../../src/providers/kimi-errors.ts')>('providers/kimi-errors.ts')
const stories = room<typeof import('../../src/routing/failure-story.ts')>('routing/failure-story.ts')

const key = 'anna\nwindow-1'
const identity: Identity = identityOf('anna', 'window-1')

async function openConduct(rooms: Rooms) {
  const { FrontDoor } = await rooms.load(doors)
  const { PenaltyBox } = await rooms.load(boxes)
  const { CallRunner } = await rooms.load(runners)
  const { VirtualClock } = await rooms.load(clocks)
  const clock = new VirtualClock()
  const penaltyBox = new PenaltyBox(clock, 10)
  const wide = { requestsPerMinute: 1e9, burst: 1e6, concurrency: 1e6 }
  const calls = new CallRunner({
    clock,
    frontDoor: new FrontDoor({ clock, client: wide, principal: wide, clientsMax: 10, clientIdleMs: 1e6 }),
    penaltyBox,
    callTimeoutMs: 60_000,
    abortGraceMs: 100,
    emit: () => undefined,
  })
  const options = { identity, name: 'chat', door: 'http' as const }
  const fail = (failure: CallFailure) => calls.run(options, () => Promise.reject(failure))
  return { clock, calls, options, fail, isBoxed: () => penaltyBox.standing(key).isBoxed }
}

/** Who is to blame. */
export const properties: readonly Property[] = [
  property({
    id: 'B4',
    says: "a vendor's faults never change a client's score; what we find wrong in its calls ourselves does",
    mutants: [
      { file: 'providers/vendor-failure.ts', find: '    isVendors: true,\n', replace: '' },
      { file: 'admission/penalty-box.ts', find: '    if (failure.isVendors) return\n', replace: '' },
      { file: 'routing/failure-story.ts', find: '    isVendors: failure.isVendors,\n', replace: '' },
      { file: 'calls/run.ts', find: '    this.fault(options.identity)\n', replace: '' },
      {
        file: 'admission/penalty-box.ts',
        find: '    if (clientFaults.has(failure.code)) this.fault(clientKey)\n',
        replace: '',
      },
    ],
    async check(rooms, seed) {
      const { CallFailure } = await rooms.load(failures)
      const { toVendorFailure } = await rooms.load(vendors)
      const { classifyGlmError, glmErrorRows } = await rooms.load(glmErrors)
      const { classifyKimiError, kimiErrorRows } = await rooms.load(kimiErrors)
      const { withStory } = await rooms.load(stories)
      const glm = { name: 'glm', classify: (error: never) => classifyGlmError(error, 0) }
      const kimi = { name: 'kimi', classify: (error: never) => classifyKimiError(error) }
      const said = fc.record({
        vendor: fc.constantFrom(glm, kimi),
        status: fc.oneof(fc.constantFrom(400, 404, 413, 422), fc.integer({ min: 400, max: 599 })),
        code: fc.constantFrom(null, '1210', ...glmErrorRows.flatMap(({ codes }) => codes)),
        type: fc.constantFrom(null, ...kimiErrorRows.flatMap(({ types }) => types)),
        isFallback: fc.boolean(),
      })
      const told = ({
        vendor,
        isFallback,
        ...error
      }: typeof said extends fc.Arbitrary<infer T> ? T : never) => {
        const failure = toVendorFailure(
          vendor as never,
          { ...error, param: null, message: 'No.', retryAfterMs: null },
          null,
        )
        const setback = { target: target('glm', 'glm-5.2', 'glm/main'), failure, tookMs: 1 }
        return isFallback ? (withStory([setback, setback], null) ?? failure) : failure
      }
      await fc.assert(
        fc.asyncProperty(fc.array(said, { minLength: 1, maxLength: 40 }), async (sequence) => {
          const world = await openConduct(rooms)
          // Nine of its own: one more point of anybody's would box it.
          for (let i = 0; i < 9; i++) world.calls.wrong(world.options)
          for (const each of sequence) {
            await world.fail(told(each))
            holds(!world.isBoxed(), `boxed for what ${each.vendor.name} said: ${JSON.stringify(each)}`)
          }
          world.calls.wrong(world.options)
          holds(world.isBoxed(), 'ten calls that were wrong before they began box a client')
        }),
        { seed, numRuns: 100 },
      )
      const world = await openConduct(rooms)
      for (let i = 0; i < 10; i++) await world.fail(new CallFailure('bad-request', { message: 'No.' }))
      holds(world.isBoxed(), 'ten calls whose wishes we refused ourselves box a client')
    },
  }),
]
