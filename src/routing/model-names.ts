// Names that the config gives to models: aliases (`fast: glm-5.3-flash`) and chains (`chat: [glm-5.2, kimi-k3]`), the order in which
// a task or a name falls back. A chain may name aliases and other chains; rings and endless chains are cut.

import { ownValue } from '../lib/own-value.ts'

/** Names by the operator; both may be empty. */
export interface ModelNames {
  /** A short name for one model. */
  readonly aliases: Readonly<Record<string, string>>
  /** A task (`chat`, `review`) or a name of its own, to the models to try in order. */
  readonly chains: Readonly<Record<string, readonly string[]>>
}

/** What people may ask for by name, and whom it is no use to ask now. */
export interface ModelStanding {
  /** Aliases and chains of the config, each with the models behind it, in the order they are tried. */
  readonly names: readonly { readonly name: string; readonly models: readonly string[] }[]
  /** Models that nobody may be asked for at the moment; `waitMs` null: nobody knows for how long. */
  readonly resting: readonly {
    readonly provider: string
    readonly model: string
    readonly says: string
    readonly waitMs: number | null
  }[]
}

const modelsMax = 8
const depthMax = 8

/** The models behind `name`, in order, each once; `[name]` when the config does not know it, or no model behind it. */
export function expandModelName(name: string, names: ModelNames): readonly string[] {
  const found = new Set<string>()
  expand(name, names, new Set(), found)
  return found.size === 0 ? [name] : [...found].slice(0, modelsMax)
}

/** All names of the config, at most `max`. */
export function knownNames(names: ModelNames, max: number): ModelStanding['names'] {
  return [...Object.keys(names.aliases), ...Object.keys(names.chains)]
    .slice(0, max)
    .map((name) => ({ name, models: expandModelName(name, names) }))
}

/** The chain the config gives to a task; null: none, so the providers' own defaults hold. */
export function chainOfTask(task: string, names: ModelNames): readonly string[] | null {
  return Object.hasOwn(names.chains, task) ? expandModelName(task, names) : null
}

function expand(name: string, names: ModelNames, above: ReadonlySet<string>, found: Set<string>): void {
  if (above.has(name) || above.size >= depthMax || found.size >= modelsMax) return
  const inside = new Set([...above, name])
  if (Object.hasOwn(names.chains, name)) {
    for (const link of names.chains[name] ?? []) {
      // A chain may hold the model it is called after: `glm-5.2: [glm-5.2, kimi-k3]`.
      if (link === name) found.add(name)
      else expand(link, names, inside, found)
    }
    return
  }
  const alias = ownValue(names.aliases, name)
  if (alias === undefined || alias === name) found.add(name)
  else expand(alias, names, inside, found)
}
