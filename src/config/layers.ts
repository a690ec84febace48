// The file's values with environment and flags laid over them, and for each value where it came from.

import type { Origin } from './config.ts'
import type { Override } from './overrides.ts'
import type { UnsetVariable, YamlSource } from './yaml-source.ts'

type Section = Record<string, unknown>

/** File and overrides as one value, ready for the schema. */
export class Layers {
  /** The merged value; whatever the file held where it is no section. */
  readonly value: unknown
  readonly #file: YamlSource | null
  readonly #leavesOfFile: ReadonlySet<string>
  readonly #overrides: Map<string, Origin> = new Map()
  #unset: readonly UnsetVariable[]

  constructor(file: YamlSource | null, overrides: readonly Override[]) {
    this.#file = file
    this.#unset = file?.unset ?? []
    this.value = file?.value ?? {}
    this.#leavesOfFile = new Set(file === null ? [] : leaves(file.value, ''))
    if (!isSection(this.value)) return
    const closed = this.#closeProviders(this.value)
    for (const override of overrides) {
      const name = /^providers\.(\w+)\./.exec(override.path)?.[1]
      if (name !== undefined && closed.has(name)) continue
      this.#set(this.value, override)
    }
  }

  /** Where the value at a path came from; null for a default. */
  originOf(path: string): Origin | null {
    const override = this.#overrides.get(path)
    if (override !== undefined) return override
    const variable = this.variableOf(path)
    if (variable !== null) return { kind: 'env', name: variable }
    return this.#file !== null && this.#leavesOfFile.has(path)
      ? { kind: 'file', path: this.#file.file }
      : null
  }

  /** The variable by which the file gives the value at a path; null where it gives none so. */
  variableOf(path: string): string | null {
    return this.#file?.variables.get(path) ?? null
  }

  /** Whether it came from outside the file. */
  isOverride(path: string): boolean {
    return this.#overrides.has(path)
  }

  /** Origins of everything that is not a default, by path of the single values. */
  origins(): Record<string, Origin> {
    const origins: [string, Origin][] = []
    for (const path of leaves(this.value, '')) {
      const origin = this.originOf(path)
      if (origin !== null) origins.push([path, origin])
    }
    return Object.fromEntries(origins)
  }

  /** Variables that a key of a provider under this path asked for, and that are not set. */
  unsetKeysUnder(path: string): readonly string[] {
    return this.#unset.flatMap((mark) =>
      isKey(mark.path) && mark.path.startsWith(`${path}.`) ? [mark.name] : [],
    )
  }

  /** Variables that are not set and that nothing stands in for, but those of keys: a provider says itself what it misses. */
  unset(): readonly UnsetVariable[] {
    return this.#unset.filter(({ path }) => !isKey(path) && !this.isOverride(path))
  }

  // `kimi: false` closes a provider; `glm` and `kimi` are there unless closed.
  #closeProviders(root: Section): ReadonlySet<string> {
    root.providers ??= {}
    const closed = new Set<string>()
    if (!isSection(root.providers)) return closed
    for (const [name, section] of Object.entries(root.providers)) {
      if (section !== false) continue
      closed.add(name)
      delete root.providers[name]
    }
    for (const name of ['glm', 'kimi']) {
      if (!closed.has(name)) root.providers[name] ??= {}
    }
    return closed
  }

  #set(root: Section, { path, value, origin }: Override): void {
    const steps = path.split('.')
    const last = steps.pop() ?? ''
    let at: Section = root
    for (const step of steps) {
      at[step] ??= {}
      const next = at[step]
      // Not a section: the schema will say so, at its place in the file.
      if (!isSection(next)) return
      at = next
    }
    if (last === 'apiKey' && Array.isArray(at.accounts)) {
      this.#setOnlyKey(`${steps.join('.')}.accounts`, at.accounts, value, origin)
      return
    }
    at[last] = value
    this.#overrides.set(path, origin)
  }

  // A key for one account replaces that account's only one. Which of several accounts or keys it is for nobody can say, so there the
  // file decides.
  #setOnlyKey(path: string, accounts: readonly unknown[], value: unknown, origin: Origin): void {
    const only: unknown = accounts[0]
    if (accounts.length !== 1 || !isSection(only)) return
    const keys: unknown = only.apiKeys ?? []
    if (!Array.isArray(keys)) return
    if (keys.length > 0 && keys.length + this.unsetKeysUnder(`${path}.0`).length > 1) return
    const keysPath = `${path}.0.apiKeys`
    only.apiKeys = [value]
    this.#overrides.set(`${keysPath}.0`, origin)
    this.#unset = this.#unset.filter((mark) => !mark.path.startsWith(`${keysPath}.`))
  }
}

/** Freezes a value and everything in it. */
export function freezeDeep<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freezeDeep(inner)
  }
  return value
}

function isKey(path: string): boolean {
  return /^providers\.[^.]+\.(apiKey|accounts\.\d+\.apiKeys\.\d+)$/.test(path)
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function* leaves(value: unknown, path: string): Generator<string> {
  if (typeof value !== 'object' || value === null) {
    yield path
    return
  }
  for (const [key, inner] of Object.entries(value)) yield* leaves(inner, path === '' ? key : `${path}.${key}`)
}
