// The three shapes of a noisy neighbour, and how each party loads the server. Shares are counted among `parties`: windows where
// one principal owns them all, else principals.

/** One window and what it does. */
export interface NoisyWindow {
  readonly name: string
  readonly principal: string
  /** Whose share it counts to. */
  readonly party: string
  readonly isPolite: boolean
  /** Calls in flight when everybody asks as much as it can. */
  readonly parallel: number
  /** What a noisy one does beside polite ones: so many calls for each of a polite window's, or a closed loop where null. */
  readonly timesAsBusy: number | null
}

/** One shape. */
export interface Shape {
  readonly name: string
  /** The same load as another shape, but for whose windows they are. */
  readonly isAboutPrincipals: boolean
  readonly windows: readonly NoisyWindow[]
}

// More than the slots, so that whoever is polite never lacks a call when a slot is free.
const politeParallel = 4
// What one window may have waiting is bounded (64): below it nothing is refused.
const noisyParallel = 60

function five(name: string, isAboutPrincipals: boolean, principalOf: (index: number) => string): Shape {
  return {
    name,
    isAboutPrincipals,
    windows: Array.from({ length: 5 }, (_, index) => ({
      name: `window-${index}`,
      principal: principalOf(index),
      party: `window-${index}`,
      isPolite: index > 0,
      parallel: index > 0 ? politeParallel : noisyParallel,
      timesAsBusy: 100,
    })),
  }
}

/** All shapes, in the order of the table. */
export const shapes: readonly Shape[] = [
  five('5 windows of one principal, one 100 times as busy', false, () => 'alice'),
  five('5 principals, one 100 times as busy', true, (index) => `person-${index}`),
  {
    name: '50 windows of one principal against 1 of another',
    isAboutPrincipals: false,
    windows: [
      ...Array.from({ length: 50 }, (_, index) => ({
        name: `crowd-window-${index}`,
        principal: 'alice',
        party: 'alice',
        isPolite: false,
        parallel: 2,
        timesAsBusy: null,
      })),
      {
        name: 'window-alone',
        principal: 'bob',
        party: 'bob',
        isPolite: true,
        parallel: 6,
        timesAsBusy: null,
      },
    ],
  },
]

/** Principals of all shapes: each needs a key. */
export const principals: readonly string[] = [
  ...new Set(shapes.flatMap(({ windows }) => windows.map(({ principal }) => principal))),
]

/** Parties of a shape. */
export const partiesOf = ({ windows }: Shape): readonly string[] => [
  ...new Set(windows.map(({ party }) => party)),
]
