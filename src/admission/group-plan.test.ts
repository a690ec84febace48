import { describe, expect, it } from 'vitest'
import { isRefusal } from '../domain/refusal.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { toGroupPlan } from './group-plan.ts'
import { QuotaGroup } from './quota-group.ts'

/** What the ceiling of a group is after first tokens that were quick for long came late, and all of it was taken. */
async function limitAfterLateTokens(configured: number | null): Promise<number> {
  const clock = new VirtualClock()
  const plan = toGroupPlan({
    per: 'model',
    concurrency: { default: null, byModel: configured === null ? {} : { 'glm-5.2': configured } },
    learnFrom: 8,
  })
  const group = new QuotaGroup({ ...plan.group('glm-5.2'), name: 'glm', clock, random: () => 0.5 })
  const jobs = Array.from({ length: 8 }, () =>
    group.acquire({
      principal: 'local',
      client: 'a',
      class: 'interactive',
      inputTokens: 10,
      outputTokensMax: 90,
      bytes: 100,
      deadlineAt: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      onPlace: () => undefined,
    }),
  )
  const leases = (await Promise.all(jobs)).flatMap((each) => (isRefusal(each) ? [] : [each]))
  for (const ms of [...Array<number>(50).fill(800), ...Array<number>(9).fill(4000)]) {
    await clock.advance(ms)
    leases[0]?.firstToken(ms, 'glm-5.2')
  }
  const { capacity } = group
  for (const lease of leases) lease.release()
  return capacity
}

describe('group plan', () => {
  it('looks at first tokens where the ceiling is learned, and believes what is configured', async () => {
    expect(await limitAfterLateTokens(null)).toBe(7)
    expect(await limitAfterLateTokens(8)).toBe(8)
  })
})
