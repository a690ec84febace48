// What the sections about answers must not contradict: a kept answer's two ages, who shares, and names of models that lead nowhere
// or round in a ring.

import { modelPrefixes, offeredModels } from '../providers/catalogue.ts'
import type { ModelsConfig } from './answers-section.ts'
import type { Config, ProviderConfig } from './config.ts'
import { nearestKey } from './known-keys.ts'
import type { Fault } from './relations.ts'

/** Faults of `cache` and `models`. */
export function checkAnswers({
  cache,
  models,
  providers,
}: Pick<Config, 'cache' | 'models' | 'providers'>): readonly Fault[] {
  const faults: Fault[] = []
  if (cache.staleMs < cache.freshMs) {
    faults.push({
      path: 'cache.staleMs',
      sentence: `${cache.staleMs} is less than cache.freshMs (${cache.freshMs}): an answer cannot be gone while it is fresh. Raise it, or lower cache.freshMs.`,
    })
  }
  if (cache.namespace.includes('client') && cache.namespace.includes('principal')) {
    faults.push({
      path: 'cache.namespace',
      sentence: 'client and principal cannot both hold: take one of them, and team:NAME beside it.',
    })
  }
  return [...faults, ...checkModels(models, providers)]
}

function checkModels(models: ModelsConfig, providers: readonly ProviderConfig[]): readonly Fault[] {
  const links = linksOf(models)
  const known = knownModels(models, providers)
  return links.flatMap(({ path, name, target }): Fault[] => {
    if (path.startsWith('models.aliases.') && Object.hasOwn(models.chains, name)) {
      return [
        { path, sentence: `"${name}" is a chain as well; one name has one meaning. Rename one of them.` },
      ]
    }
    const isOwnModel = target === name && path.startsWith('models.chains.')
    const isName = Object.hasOwn(models.aliases, target) || Object.hasOwn(models.chains, target)
    if (!isOwnModel && isName) {
      const ring = ringFrom(name, target, links)
      return ring === null
        ? []
        : [{ path, sentence: `${ring.join(' -> ')} goes round in a ring. Let one of them name a model.` }]
    }
    if (hasOwner(target, known, providers)) return []
    const nearest = nearestKey(target, known)
    const meant = nearest === null ? '' : ` Did you mean "${nearest}"?`
    return [
      {
        path,
        sentence: `no provider here has a model called "${target}", and no alias or chain is.${meant} Name a model, or PROVIDER/MODEL.`,
      },
    ]
  })
}

interface NameLink {
  readonly path: string
  readonly name: string
  readonly target: string
}

function linksOf({ aliases, chains }: ModelsConfig): readonly NameLink[] {
  return [
    ...Object.entries(aliases).map(([name, target]) => ({ path: `models.aliases.${name}`, name, target })),
    ...Object.entries(chains).flatMap(([name, targets]) =>
      targets.map((target, index) => ({ path: `models.chains.${name}.${index}`, name, target })),
    ),
  ]
}

function knownModels(models: ModelsConfig, providers: readonly ProviderConfig[]): readonly string[] {
  const offered = providers.flatMap((each) => offeredModels(each.kind, each.models).map(({ id }) => id))
  return [...new Set([...offered, ...Object.keys(models.aliases), ...Object.keys(models.chains)])]
}

// As routing will find it: in the lists, by its prefix, or under the provider named before the slash.
function hasOwner(target: string, known: readonly string[], providers: readonly ProviderConfig[]): boolean {
  const slash = target.indexOf('/')
  if (slash > 0 && [...providers.map(({ name }) => name), 'local'].includes(target.slice(0, slash)))
    return true
  return (
    known.includes(target) ||
    providers.some(({ kind }) => (modelPrefixes[kind] ?? []).some((prefix) => target.startsWith(prefix)))
  )
}

// The way from `target` back to `name`, if there is one; a chain that holds its own name means the model.
function ringFrom(name: string, target: string, links: readonly NameLink[]): readonly string[] | null {
  const seen = new Set<string>()
  const walk = (at: string): readonly string[] | null => {
    if (at === name) return [at]
    if (seen.has(at)) return null
    seen.add(at)
    for (const link of links) {
      const rest = link.name === at && link.target !== at ? walk(link.target) : null
      if (rest !== null) return [at, ...rest]
    }
    return null
  }
  const way = walk(target)
  return way === null ? null : [name, ...way]
}
