// The file's values with environment and flags laid over them, and for each value where it came from.

import type { Origin } from './config.ts'
import type { Override } from './overrides.ts'
import type { YamlSource } from './yaml-source.ts'

type Section = Record<string, unknown>

/** File and overrides as one value, ready for the schema. */
export class Layers {
  /** The merged value; whatever the file held where it is no section. */
  readonly value: unknown
  readonly #file: YamlSource | null
  readonly #leavesOfFile: ReadonlySet<string>
  readonly #overrides: Map<string, Origin> = new Map()

  constructor(file: YamlSource | null, overrides: readonly Override[]) {
    this.#file = file
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
    const variable = this.#file?.variables.get(path)
    if (variable !== undefined) return { kind: 'env', name: variable }
    return this.#file !== null && this.#leavesOfFile.has(path)
      ? { kind: 'file', path: this.#file.file }
      : null
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

  /** Variables that a value under this path asked for, and that are not set. */
  unsetUnder(path: string): readonly string[] {
    return [...(this.#file?.unset ?? [])].flatMap(([at, name]) => (at.startsWith(`${path}.`) ? [name] : []))
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
      // A key for one account replaces that account's; which of several it is for nobody can say, so the file decides.
      const only: unknown = at.accounts[0]
      if (at.accounts.length !== 1 || !isSection(only)) return
      only.apiKeys = [value]
      this.#overrides.set(`${steps.join('.')}.accounts.0.apiKeys.0`, origin)
      return
    }
    at[last] = value
    this.#overrides.set(path, origin)
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
