// What `exai config` prints: the configuration in force in the shape of `exai.yaml`, keys as `***`, with a word for where
// each value that is not a default came from.

import { Document, isMap, isScalar, isSeq } from 'yaml'
import type { PaceMs } from '../providers/model-timeouts.ts'
import type { Config, Origin, ProviderConfig, RatesConfig } from './config.ts'

/** YAML for people. Holds no secret: it is made from the config's masked form. */
export function toMaskedYaml(config: Config): string {
  const { file, origins, warnings, providers, ...rest } = config
  const document = new Document({
    ...(JSON.parse(JSON.stringify(rest)) as object),
    providers: Object.fromEntries(providers.map((provider) => [provider.name, toSection(provider)])),
  })
  comment(document.contents, '', (path) => {
    const origin = origins[path]
    return origin === undefined ? null : ` from ${originText(origin)}`
  })
  document.commentBefore = [
    file === null ? ' no exai.yaml: defaults, environment and flags' : ` ${file}`,
    ...providers.flatMap(({ missing }) => (missing === null ? [] : [` ${missing}`])),
    ...warnings.map((warning) => ` ${warning}`),
  ].join('\n')
  return document.toString({ lineWidth: 0 })
}

/** `ZAI_API_KEY`, `--port`, or the file's name. */
export function originText(origin: Origin): string {
  return origin.kind === 'file' ? (origin.path.split(/[/\\]/).at(-1) ?? origin.path) : origin.name
}

function toSection(provider: ProviderConfig): object {
  const { kind, baseUrl, accounts, tier, models, searchEngine, searchModel, timeouts } = provider
  return {
    kind,
    baseUrl,
    ...(tier === null ? {} : { tier }),
    ...(models.length === 0 ? {} : { models }),
    ...(searchEngine === null ? {} : { searchEngine }),
    ...(searchModel === null ? {} : { searchModel }),
    firstTokenMs: short(timeouts.firstTokenMs),
    silenceMs: short(timeouts.silenceMs),
    accounts: accounts.map(({ name, apiKeys, weight, concurrency, rates }) => ({
      name,
      apiKeys: apiKeys.map(({ secret, origin }) => `${secret} (${originText(origin)})`),
      weight,
      concurrency: { default: concurrency.default ?? 'learned', ...concurrency.byModel },
      ...(hasAny(rates) ? { rates: known(rates) } : {}),
    })),
  }
}

// As a person writes it: one number where both are the same.
const short = ({ plain, thinking }: PaceMs): number | PaceMs =>
  plain === thinking ? plain : { plain, thinking }
const hasAny = (rates: RatesConfig): boolean => Object.values(rates).some((each) => each !== null)
const known = (rates: RatesConfig): object =>
  Object.fromEntries(Object.entries(rates).filter(([, each]) => each !== null))

function comment(node: unknown, path: string, textFor: (path: string) => string | null): void {
  const inner = (step: string): string => (path === '' ? step : `${path}.${step}`)
  if (isMap(node)) {
    for (const { key, value } of node.items)
      comment(value, inner(isScalar(key) ? String(key.value) : ''), textFor)
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) comment(item, inner(String(index)), textFor)
  } else if (isScalar(node)) {
    const text = textFor(path)
    if (text !== null) node.comment = text
  }
}
