// Configured providers for tests: said by their name, their models and what they do when asked.

import { AccountGroups } from '../admission/account-groups.ts'
import { type GroupSettings, toGroupPlan } from '../admission/group-plan.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { unknownModel } from '../providers/catalogue.ts'
import type { Provider } from '../providers/provider.ts'
import type { Account, ConfiguredProvider } from './route.ts'

/** A provider that generates and searches, with models that do not think and have no bounds. */
export function providerOf(name: string, models: readonly string[], run: Provider['run']): Provider {
  return {
    name,
    capabilities: { jobs: new Set(['generate', 'search']), needsKey: true },
    models: models.map(unknownModel),
    run,
    destroy: async () => {},
  }
}

/** An account that takes one job of a model at once, but for what `settings` say. */
export function accountOf(
  fullName: string,
  apiKeys: readonly string[],
  settings: Partial<GroupSettings> = {},
  clock: VirtualClock = new VirtualClock(),
): Account {
  const plan = toGroupPlan({ per: 'model', concurrency: { default: 1, byModel: {} }, ...settings })
  const name = fullName.slice(fullName.indexOf('/') + 1)
  return { name, apiKeys, groups: new AccountGroups(fullName, plan, clock, () => 0.5) }
}

/** A provider with one account that has these keys, or none where there is no key, but for what `more` says. */
export function configuredOf(
  more: Partial<ConfiguredProvider> & Pick<ConfiguredProvider, 'provider'>,
  keys: readonly string[] = ['key-1'],
): ConfiguredProvider {
  const { name, models } = more.provider
  return {
    accounts: keys.length > 0 ? [accountOf(`${name}/main`, keys)] : [],
    defaultModel: () => models[0]?.id ?? null,
    missing: keys.length > 0 ? null : `Set ${name.toUpperCase()}_KEY.`,
    modelPrefixes: [`${name}-`],
    ...more,
  }
}
