// What the settings about failing vendors must not contradict: a wait that no call can outlast would never be told, and a breaker that
// opens for longer than at most is a slip of the pen.

import type { BreakerLimits } from '../routing/breaker.ts'
import type { LimitsConfig } from './config.ts'
import type { Fault } from './relations.ts'
import type { ProviderSection } from './schema.ts'

/** Faults of `breaker`. */
export function checkBreaker({ openMs, openMsMax }: BreakerLimits): readonly Fault[] {
  if (openMs <= openMsMax) return []
  const sentence = `${openMs} is more than breaker.openMsMax (${openMsMax}), the most it may grow to. Lower it, or raise breaker.openMsMax.`
  return [{ path: 'breaker.openMs', sentence }]
}

/** Faults of the providers' times, of those that are written: a default that a short call does not reach is nobody's mistake. */
export function checkTimes(
  providers: Readonly<Record<string, ProviderSection>>,
  { callTimeoutMs, toolTimeoutMs }: LimitsConfig,
): readonly Fault[] {
  const longest = Math.max(callTimeoutMs, ...Object.values(toolTimeoutMs).map((each) => each ?? 0))
  return Object.entries(providers).flatMap(([name, provider]) =>
    (['firstTokenMs', 'silenceMs'] as const).flatMap((key): readonly Fault[] => {
      const most = Math.max(provider[key]?.plain ?? 0, provider[key]?.thinking ?? 0)
      if (most <= longest) return []
      const sentence = `${most} is more than any call may take (${longest}), so it could never be reached. Lower it, or raise limits.callTimeoutMs.`
      return [{ path: `providers.${name}.${key}`, sentence }]
    }),
  )
}
