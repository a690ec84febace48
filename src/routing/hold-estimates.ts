// How long a tool's jobs hold a slot at a model: a review takes many times what a chat does, and whoever waits behind either must not be
// told, or refused for, the mean of both.

import { MeanTime } from '../admission/mean-time.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { JobKind } from '../providers/provider.ts'
import type { Target } from './target.ts'

type Place = Pick<Target, 'provider' | 'model'>

/** What has been seen, by tool and model. */
export class HoldEstimates {
  readonly #seen = new BoundedMap<string, MeanTime>(pairsMax)

  /** Milliseconds; undefined until enough of them were seen. */
  expect(tool: string, place: Place, kind: JobKind): number | undefined {
    const seen = this.#seen.get(keyOf(tool, place, kind))
    return seen?.isSure ? (seen.meanMs ?? undefined) : undefined
  }

  /** A job was served and took so long. */
  observe(tool: string, place: Place, kind: JobKind, tookMs: number): void {
    this.#seen.getOrCreate(keyOf(tool, place, kind), () => new MeanTime()).add(tookMs)
  }
}

const pairsMax = 1024

function keyOf(tool: string, { provider, model }: Place, kind: JobKind): string {
  return `${tool}\n${provider}\n${model ?? kind}`
}
