// How fast something grows, whatever single measurements say: the median of the slopes between all pairs (Theil 1950, Sen 1968).

/** One measurement. */
export interface Sample {
  readonly atMs: number
  readonly bytes: number
}

const mebibyte = 1_048_576
const minuteMs = 60_000

/** Mebibytes a minute; 0 of fewer than two. */
export function slopeOf(samples: readonly Sample[]): number {
  const slopes = samples.flatMap((late, index) =>
    samples.slice(0, index).map((early) => (late.bytes - early.bytes) / (late.atMs - early.atMs)),
  )
  const middle = slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? 0
  return (middle * minuteMs) / mebibyte
}
