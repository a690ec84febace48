// Reads the config file's YAML into plain values, with variables expanded and every value's place kept, so that an error
// found later can still name line and column. Does not know the config's shape.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from 'yaml'
import { ConfigError } from './config-error.ts'
import { expand } from './expand.ts'

/** A place in a file, both 1-based. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** A variable that was asked for and is not set; `path` as the file has it, so that it counts list items that were left out. */
export interface UnsetVariable {
  readonly path: string
  readonly name: string
}

/** A file's values and places. Paths are dotted: `providers.glm.accounts.0.name`. */
export interface YamlSource {
  readonly file: string
  readonly value: unknown
  /** The variable a value was taken from, by path. */
  readonly variables: ReadonlyMap<string, string>
  /** Variables that were not set, whose values are therefore missing. */
  readonly unset: readonly UnsetVariable[]
  /** Paths of values that look like a variable and are none; they stand in `value` as they were written. */
  readonly broken: readonly string[]
  /** Keys without a value, step by step: they stand in the file, not in `value`. */
  readonly empty: readonly (readonly string[])[]
  /** Place of the value, or of the nearest enclosing one. */
  placeOf(path: string): Place
  /** Place of a key. */
  placeOfKey(path: string): Place
}

const depthMax = 16
const valuesMax = 10_000

/** Parses `text`. Throws `ConfigError` with file, line and column where it is not YAML. */
export function readYaml(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): YamlSource {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const error = document.errors[0]
  if (error !== undefined) {
    const at = place(error.pos[0])
    const hint = text.split('\n')[at.line - 1]?.includes('${') ? ` Put "\${NAME}" in double quotes.` : ''
    throw new ConfigError(
      `${file}:${at.line}:${at.column}: this is not valid YAML: ${faultOf(error.message)}${hint}`,
    )
  }
  // YAML goes on past these: a value behind a tag that nobody knows, such as !env, would be the text itself.
  const warning = document.warnings[0]
  if (warning !== undefined) {
    const at = place(warning.pos[0])
    throw new ConfigError(
      `${file}:${at.line}:${at.column}: this is more than plain YAML: ${faultOf(warning.message)}. A variable is written "\${NAME}", without a tag.`,
    )
  }
  const walk = new Walk(document, env)
  const value = walk.read(document.contents, [], 0)
  if (walk.isTooMuch) {
    throw new ConfigError(`${file}: nested deeper than ${depthMax} levels, or more than ${valuesMax} values.`)
  }
  const nearest = (path: string): Place => {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
      const offset = walk.values.get(at) ?? walk.keys.get(at)
      if (offset !== undefined) return place(offset)
      if (at === '') return { line: 1, column: 1 }
    }
  }
  return {
    file,
    value: value ?? {},
    variables: walk.variables,
    unset: walk.unset,
    broken: walk.broken,
    empty: walk.empty,
    placeOf: nearest,
    placeOfKey: (path) => {
      const offset = walk.keys.get(path)
      return offset === undefined ? nearest(path) : place(offset)
    },
  }
}

class Walk {
  readonly values: Map<string, number> = new Map()
  readonly keys: Map<string, number> = new Map()
  readonly variables: Map<string, string> = new Map()
  readonly unset: UnsetVariable[] = []
  readonly broken: string[] = []
  readonly empty: (readonly string[])[] = []
  isTooMuch = false
  #count = 0
  readonly #document: Document.Parsed<ParsedNode>
  readonly #env: Readonly<Record<string, string | undefined>>

  constructor(document: Document.Parsed<ParsedNode>, env: Readonly<Record<string, string | undefined>>) {
    this.#document = document
    this.#env = env
  }

  read(node: Node | null | undefined, steps: readonly string[], depth: number, written = steps): unknown {
    const path = steps.join('.')
    // Aliases can make a short file endless.
    if (depth > depthMax || ++this.#count > valuesMax) {
      this.isTooMuch = true
      return undefined
    }
    if (isAlias(node)) return this.read(node.resolve(this.#document), steps, depth + 1, written)
    if (node?.range) this.values.set(path, node.range[0])
    if (isMap<Node, Node | null>(node)) {
      const entries = node.items.flatMap(({ key, value }): [string, unknown][] => {
        const name = isScalar(key) ? String(key.value) : '?'
        const inner = [...steps, name]
        if (key.range) this.keys.set(inner.join('.'), key.range[0])
        const read = this.read(value, inner, depth + 1)
        if (read !== undefined && read !== null) return [[name, read]]
        // An empty section is as good as none, and so is a value whose variable is not set; its key may still be misspelt.
        this.empty.push(inner)
        return []
      })
      return Object.fromEntries(entries)
    }
    if (isSeq<Node>(node)) {
      const list: unknown[] = []
      for (const [index, item] of node.items.entries()) {
        const place = [...steps, String(list.length)]
        const read = this.read(item, place, depth + 1, [...steps, String(index)])
        if (read !== undefined && read !== null) list.push(read)
      }
      return list
    }
    if (!isScalar(node)) return undefined
    return typeof node.value === 'string' ? this.#expand(node.value, path, written) : node.value
  }

  #expand(text: string, path: string, written: readonly string[]): string | undefined {
    const expansion = expand(text, this.#env)
    if (expansion.kind === 'unset') {
      this.unset.push({ path: written.join('.'), name: expansion.name })
      return undefined
    }
    if (expansion.kind === 'broken') {
      this.broken.push(path)
      return text
    }
    const name = expansion.names[0]
    if (name !== undefined) this.variables.set(path, name)
    return expansion.text
  }
}

// Some faults quote the file after a colon, and a key may stand there.
function faultOf(message: string): string {
  return message.split(/\n|: /, 1)[0] ?? message
}
