// Names in the file that no schema can know: of models, in `concurrency` and `prices`, and of providers, in `prices`. A misspelt one
// would lift a limit, or make a budget count nothing, without a word. Refused is what can be read by nobody; a model that is only
// unknown here may be real, because vendors bring new ones, and is told as a warning.

import type { PriceLine } from '../ledger/price-table.ts'
import { offeredModels } from '../providers/catalogue.ts'
import type { ConfigurableKind, ProviderConfig } from './config.ts'
import { nearestKey } from './known-keys.ts'
import type { ProviderSection } from './schema.ts'

interface Reports {
  fault(path: string, sentence: string): void
  warn(path: string, sentence: string): void
}

/** What may stand in `concurrency` beside the names of models: all of them, and the work that names none. */
const words = ['default', 'search', 'read']

/** The lines of `concurrency` of a provider and of each of its accounts. */
export function checkConcurrency(
  kind: ConfigurableKind,
  { concurrency, accounts = [], models }: ProviderSection,
  path: string,
  reports: Reports,
): void {
  const known = [...words, ...offeredModels(kind, models).map(({ id }) => id)]
  const check = (given: Readonly<Record<string, number>> = {}, at: string): void => {
    for (const name of Object.keys(given)) {
      const [line, nearest] = [`${at}.${name}`, nearestKey(name, known)]
      if (name === 'default') continue
      if (kind !== 'glm') {
        // Only GLM counts for each model (see `routing/configure.ts`).
        const sentence =
          'only GLM counts requests at once by model; here one number holds for the whole account, and this line would never be read. Write that number alone, or as "default".'
        reports.fault(line, sentence)
      } else if (!known.includes(name)) {
        if (nearest !== null && words.includes(nearest)) {
          reports.fault(line, `no model is called so. Did you mean "${nearest}"?`)
        } else reports.warn(line, `${unheardOf(name, known)} ${nameIt(path)}`)
      }
    }
  }
  check(concurrency, `${path}.concurrency`)
  for (const [index, account] of accounts.entries()) {
    check(account.concurrency, `${path}.accounts.${index}.concurrency`)
  }
}

/** The providers and models that `prices` name. `written`: names of all sections under `providers`, sound or not. */
export function checkPrices(
  prices: readonly PriceLine[],
  written: readonly string[],
  providers: readonly ProviderConfig[],
  reports: Reports,
): void {
  // The two vendors may be switched off for a while, and their prices stay.
  const names = [...new Set([...written, 'glm', 'kimi', 'local'])]
  for (const [index, { provider, model }] of prices.entries()) {
    if (provider !== '*' && !names.includes(provider)) {
      const nearest = nearestKey(provider, names)
      const meant = nearest === null ? '' : ` Did you mean "${nearest}"?`
      const sentence = `no provider here is called "${provider}", so this price would never be read.${meant} Known here: ${names.join(', ')}, and * for all.`
      reports.fault(`prices.${index}.provider`, sentence)
      continue
    }
    const asked = providers.filter(({ name }) => provider === '*' || name === provider)
    const offered = asked.map(({ kind, models }) => offeredModels(kind, models).map(({ id }) => id))
    const known = offered.flat()
    // Where nothing is listed any name may be asked for.
    if (model === undefined || model === '*' || known.includes(model)) continue
    if (asked.length === 0 || offered.some((each) => each.length === 0)) continue
    const where = provider === '*' ? 'providers.NAME' : `providers.${provider}`
    reports.warn(`prices.${index}.model`, `${unheardOf(model, known)} ${nameIt(where)}`)
  }
}

function unheardOf(name: string, known: readonly string[]): string {
  const nearest = nearestKey(name, known)
  const meant = nearest === null ? '' : ` Did you mean "${nearest}"?`
  return `no model called "${name}" is known here, so this may hold for nothing.${meant}`
}

function nameIt(provider: string): string {
  return `If it is real, name it under ${provider}.models.`
}
