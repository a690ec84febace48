// What a vendor was doing when an attempt's time was over, in words: the first question of whoever waited. It tells who and for how
// long, never why: nobody knows why a vendor is silent.

import { CallFailure } from '../domain/failure.ts'
import type { Target } from './target.ts'

/** A vendor at one moment. */
export interface Silence {
  readonly hasSpoken: boolean
  /** Milliseconds since anything came, or since it was asked. */
  readonly silentMs: number
}

// Between two words of an answer that is coming.
const pauseMsMax = 2_000

/** `glm (glm-5.2) had sent nothing for 61 s`. */
export function tellSilence({ provider, model }: Target, { hasSpoken, silentMs }: Silence): string {
  const who = model === null ? provider : `${provider} (${model})`
  if (hasSpoken && silentMs <= pauseMsMax) return `${who} was still answering`
  const seconds = Math.max(1, Math.round(silentMs / 1_000))
  return hasSpoken
    ? `${who} had begun to answer, and had sent nothing more for ${seconds} s`
    : `${who} had sent nothing for ${seconds} s`
}

/** The end of a job's time during an attempt. */
export function outOfTime(target: Target, silence: Silence, cause?: unknown): CallFailure {
  const advice =
    silence.hasSpoken && silence.silentMs <= pauseMsMax
      ? 'Ask for less at once'
      : 'Name another model, ask for less at once'
  return new CallFailure('deadline', {
    message: `${tellSilence(target, silence)} when the time of this call was over. ${advice}, or raise limits.callTimeoutMs on the server.`,
    ...(cause === undefined ? {} : { cause }),
  })
}

/** The end of what one attempt may take, while somebody else can be asked. */
export function tooSlow(target: Target, silence: Silence, limitMs: number): CallFailure {
  return new CallFailure('timeout', {
    message: `${tellSilence(target, silence)} when its ${Math.round(limitMs / 1_000)} seconds were over. Ask for less at once, or name another model.`,
    retryable: true,
  })
}
