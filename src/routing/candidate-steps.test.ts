// Names, aliases and chains to candidates.

import { describe, expect, it } from 'vitest'
import { AccountGroups } from '../admission/account-groups.ts'
import { toGroupPlan } from '../admission/group-plan.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { candidateSteps } from './candidate-steps.ts'
import { expandModelName } from './model-names.ts'
import type { ConfiguredProvider, RouteWish } from './route.ts'

function configured(
  name: string,
  models: readonly string[],
  accounts: readonly string[],
  per: 'model' | 'account' = 'model',
): ConfiguredProvider {
  const plan = toGroupPlan({ per, concurrency: { default: 1, byModel: {} } })
  return {
    provider: {
      name,
      capabilities: { jobs: new Set(['generate', 'search']), needsKey: true },
      models: models.map((id) => ({
        id,
        contextTokens: 1000,
        outputTokensMax: null,
        thinking: 'none',
        efforts: [],
        vision: false,
        price: null,
      })),
      run: () => {
        throw new Error('nobody runs here')
      },
      destroy: async () => {},
    },
    accounts: accounts.map((account) => ({
      name: account,
      apiKeys: ['key'],
      groups: new AccountGroups(`${name}/${account}`, plan, new VirtualClock(), () => 0.5),
    })),
    defaultModel: () => models[0] ?? null,
    missing: accounts.length > 0 ? null : `Set ${name.toUpperCase()}_KEY.`,
    modelPrefixes: [`${name}-`],
  }
}

const glm = configured('glm', ['glm-5.2', 'glm-5.3'], ['main', 'second'])
const kimi = configured('kimi', ['kimi-k3', 'kimi-k2.6'], ['main'], 'account')
const names = {
  aliases: { fast: 'glm-5.3', best: 'kimi-k3' },
  chains: {
    chat: ['glm-5.2', 'best', 'kimi-k2.6'],
    'glm-5.3': ['glm-5.3', 'kimi-k3'],
    ring: ['ring2'],
    ring2: ['ring', 'fast'],
  },
}

function groups(wish: RouteWish, providers = [glm, kimi]): string[][] | string {
  const steps = candidateSteps(providers, wish, names)
  return 'missing' in steps ? steps.missing : steps.map((step) => step.map(({ group }) => group))
}

describe('candidates', () => {
  it('follow the chain of a task, every account of a model in one step', () => {
    expect(groups({ kind: 'generate', task: 'chat' })).toEqual([
      ['glm/main glm-5.2', 'glm/second glm-5.2'],
      ['kimi/main'],
      ['kimi/main'],
    ])
  })

  it('are the defaults of the preferred providers where the config has no chain', () => {
    expect(groups({ kind: 'generate', task: 'review', prefer: ['kimi', 'glm'] })).toEqual([
      ['kimi/main'],
      ['glm/main glm-5.2', 'glm/second glm-5.2'],
    ])
    expect(groups({ kind: 'search', prefer: ['glm'] })).toEqual([['glm/main search', 'glm/second search']])
  })

  it('are one model and no other when a caller names it, unless the config gives that name a chain', () => {
    expect(groups({ kind: 'generate', model: 'kimi-k3' })).toEqual([['kimi/main']])
    expect(groups({ kind: 'generate', model: 'kimi/kimi-k9' })).toEqual([['kimi/main']])
    expect(groups({ kind: 'generate', model: 'fast' })).toHaveLength(2)
  })

  it('are those of a vendor under whatever name it stands in the config, the one of that name first', () => {
    const zhipu = { ...configured('zhipu', ['glm-5.2'], ['main']), kind: 'glm' as const }
    const review: RouteWish = { kind: 'generate', task: 'review', prefer: ['glm', 'kimi'] }
    expect(groups(review, [zhipu])).toEqual([['zhipu/main glm-5.2']])
    expect(groups(review, [zhipu, kimi, glm])).toEqual([
      ['glm/main glm-5.2', 'glm/second glm-5.2'],
      ['zhipu/main glm-5.2'],
      ['kimi/main'],
    ])
    expect(groups({ kind: 'generate', task: 'review', prefer: ['zhipu'] }, [glm, zhipu])).toEqual([
      ['zhipu/main glm-5.2'],
    ])
    const unset = { ...configured('glm', ['glm-5.2'], []), kind: 'glm' as const }
    expect(groups({ kind: 'generate', model: 'glm-5.2' }, [unset, zhipu])).toEqual([['zhipu/main glm-5.2']])
  })

  it('say what to set, and which models there are', () => {
    expect(groups({ kind: 'generate', task: 'chat' }, [configured('glm', ['glm-5.2'], [])])).toBe(
      'No provider is set up for this. Set GLM_KEY.',
    )
    expect(() => groups({ kind: 'generate', model: 'gpt-x' })).toThrow(
      'No provider here has a model called "gpt-x". Known models: glm-5.2',
    )
  })
})

describe('names', () => {
  it('are cut where they go in a ring, and know nothing of the object they are kept in', () => {
    expect(expandModelName('ring', names)).toEqual(['glm-5.3', 'kimi-k3'])
    expect(expandModelName('constructor', names)).toEqual(['constructor'])
    const long = { aliases: {}, chains: { long: Array.from({ length: 50 }, (_, index) => `m${index}`) } }
    expect(expandModelName('long', long)).toHaveLength(8)
  })
})
