// What the settings about failing vendors, and about waiting for them, must not contradict: a breaker that opens for longer than at most
// is a slip of the pen; a wait that outlasts the call ends with it, and whoever wrote it is told.

import { type PaceMs, timeoutDefaults } from '../providers/model-timeouts.ts'
import type { BreakerLimits } from '../routing/breaker.ts'
import { type CallTimes, longestCallMs } from '../routing/call-times.ts'
import type { ProviderSources } from './providers.ts'
import type { Fault } from './relations.ts'
import type { ProviderSection } from './schema.ts'

const usualWaitMs = 120_000
const cure = 'Lower it, leave it out, or raise limits.callTimeoutMs.'

/** Faults of `breaker`. */
export function checkBreaker({ openMs, openMsMax }: BreakerLimits): readonly Fault[] {
  if (openMs <= openMsMax) return []
  const sentence = `${openMs} is more than breaker.openMsMax (${openMsMax}), the most it may grow to. Lower it, or raise breaker.openMsMax.`
  return [{ path: 'breaker.openMs', sentence }]
}

/**
 * Tells providers' times that are longer than any call. They do no harm, and the usual ones, spelled out as in the example, are nobody's
 * mistake: whoever shortens the calls need not hunt for them.
 */
export function checkTimes(
  providers: Readonly<Record<string, ProviderSection>>,
  limits: CallTimes,
  sources: Pick<ProviderSources, 'warn'>,
): void {
  const longest = longestCallMs(limits)
  for (const [name, provider] of Object.entries(providers)) {
    for (const key of ['firstTokenMs', 'silenceMs'] as const) {
      const own = (pace: keyof PaceMs): number => {
        const written = provider[key]?.[pace] ?? 0
        return written === timeoutDefaults[key][pace] ? 0 : written
      }
      const most = Math.max(own('plain'), own('thinking'))
      if (most <= longest) continue
      sources.warn(
        `providers.${name}.${key}`,
        `${most} is more than any call may take (${longest}), so calls end first. ${cure}`,
      )
    }
  }
}

/**
 * Longest wait in a queue: no longer than the longest call, which it is cut to where more is written, as the usual wait is. A shorter
 * call's wait ends with that call; a tool that has more time than the others may also wait for longer.
 */
export function queueWaitMs(
  written: number | undefined,
  limits: CallTimes,
  sources: Pick<ProviderSources, 'warn'>,
): number {
  const longest = longestCallMs(limits)
  if (written !== undefined && written > longest) {
    const sentence = `${written} is more than any call may take (${longest}), so it is cut to that. ${cure}`
    sources.warn('limits.queue.waitMs', sentence)
  }
  return Math.min(written ?? usualWaitMs, longest)
}
