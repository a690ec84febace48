import { expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { timeoutDefaults } from '../providers/model-timeouts.ts'
import { configureProviders, type ProviderSpec } from './configure.ts'

const bounds = { perClient: 1, waitMs: 1, order: 'fair' } as const

it('a provider may take to its first part what the slower of its work may take', () => {
  const glm = {
    name: 'glm',
    kind: 'glm',
    baseUrl: 'https://glm',
    accounts: [],
    models: [],
    missing: null,
  } as const
  const limitOf = (more: Partial<ProviderSpec>) =>
    configureProviders([{ ...glm, ...more }], bounds, new VirtualClock(), () => 0)[0]?.firstTokenMs
  const taking = (plain: number, thinking: number) =>
    limitOf({ timeouts: { ...timeoutDefaults, firstTokenMs: { plain, thinking } } })
  expect([limitOf({}), taking(5, 7), taking(9, 7)]).toEqual([150_000, 7, 9])
})
