// When each frame of an answer leaves. Service time is the time until the first token plus the chunks: with a chunk time
// the first token waits for what is left over, without one a quarter of the service time passes before it and the chunks
// share the rest evenly.

import type { PaceRule, TimedOperation, VendorSettings } from './settings.ts'
import { timedOperations } from './settings.ts'
import type { Operation } from './vendors.ts'
import type { Frame } from './wire.ts'

/** The pace of one request, after rules. Milliseconds; `chunkMs` null spreads the chunks over the service time. */
export interface Pace {
  readonly serviceMs: number
  readonly chunkMs: number | null
  readonly answerChars: number
}

function isTimed(operation: Operation): operation is TimedOperation {
  return timedOperations.some((timed) => timed === operation)
}

function isHit(rule: PaceRule, operation: Operation, model: string | undefined, bodyText: string): boolean {
  if (rule.operation !== undefined && rule.operation !== operation) return false
  if (rule.model !== undefined && rule.model !== model) return false
  return rule.match === undefined || new RegExp(rule.match).test(bodyText)
}

/** The pace for one request: the first rule that matches it, else the vendor's settings. */
export function paceOf(
  settings: VendorSettings,
  operation: Operation,
  model: string | undefined,
  bodyText: string,
): Pace {
  const rule = settings.rules.find((one) => isHit(one, operation, model, bodyText))
  return {
    serviceMs: rule?.serviceMs ?? (isTimed(operation) ? settings.serviceMs[operation] : 0),
    chunkMs: rule?.chunkMs ?? (rule?.serviceMs === undefined ? settings.chunkMs : null),
    answerChars: rule?.answerChars ?? settings.answerChars,
  }
}

/** The frames with their pauses. A body that is no stream waits the whole service time, then comes at once. */
export function paced(frames: readonly Frame[], pace: Pace, isStream: boolean): Frame[] {
  if (!isStream) return frames.map((frame, index) => ({ ...frame, gapMs: index === 0 ? pace.serviceMs : 0 }))
  const gaps = frames.filter((frame) => frame.kind !== 'done').length - 1
  const firstMs =
    pace.chunkMs === null
      ? pace.serviceMs / 4
      : Math.max(0, pace.serviceMs - pace.chunkMs * Math.max(0, gaps))
  const gapMs = pace.chunkMs ?? (gaps > 0 ? (pace.serviceMs - firstMs) / gaps : 0)
  return frames.map((frame, index) => ({
    ...frame,
    gapMs: index === 0 ? firstMs : frame.kind === 'done' ? 0 : gapMs,
  }))
}
