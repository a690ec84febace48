// What other people's programs spawn (`bin/exai.js`, `exai id`, `exai bridge`) runs on their Node, 20 or newer, starts
// fast, and therefore reaches Node's built-ins and `ws` alone. What we depend on is accounted for, line by line.

import { importsOf, packageOf } from './imports.ts'
import { placeOf, type SourceText } from './source-text.ts'
import { isTest, scriptsOf, type Tree, textOf } from './tree.ts'

const isEntry = /^(?:bin\/exai\.js|src\/cli\/(?:id|bridge)\.ts|src\/bridge\/.+)$/
const allowedPackages = new Set(['ws'])
// Newer than Node 20, each with what to write instead.
const tooNew: readonly (readonly [RegExp, string])[] = [
  [/\bPromise\.(?:withResolvers|try)\b/g, 'new Promise((resolve, reject) => …)'],
  [/\bArray\.fromAsync\b/g, 'a for await loop'],
  [/\b(?:Object|Map)\.groupBy\b/g, 'a loop'],
  [/\bRegExp\.escape\b/g, 'a replace'],
  [/\bIterator\.from\b/g, 'an array'],
  [/\bimport\.meta\.(?:dirname|filename)\b/g, 'fileURLToPath(import.meta.url)'],
  [/\.(?:isSubsetOf|isSupersetOf|symmetricDifference)\(/g, 'a loop'],
  [/\bFloat16Array\b|\bURLPattern\b/g, 'something older'],
]

/** Imports and language that the machine's own, older Node could not run. */
export function checkPortable(tree: Tree): string[] {
  const byPath = new Map(scriptsOf(tree).map((source) => [source.path, source]))
  const bad: string[] = []
  const reached = new Map<string, string>()
  const open: SourceText[] = []
  for (const source of byPath.values()) {
    if (isEntry.test(source.path) && !isTest(source.path)) {
      reached.set(source.path, source.path)
      open.push(source)
    }
  }
  for (let source = open.pop(); source !== undefined; source = open.pop()) {
    const way = reached.get(source.path) ?? source.path
    for (const fact of importsOf(source)) {
      // The launcher hands every other command to a newer Node: what it imports on demand is no part of the entry.
      if (source.path === 'bin/exai.js' && fact.isDynamic) continue
      if (isTypeOnly(source, fact.index)) continue
      if (fact.target === null) {
        if (fact.specifier.startsWith('node:') && fact.specifier !== 'node:sqlite') continue
        if (allowedPackages.has(packageOf(fact.specifier))) continue
        bad.push(
          `${placeOf(source, fact.index)}: imports ${fact.specifier}, reached from ${way}. What other programs spawn runs on Node 20 with node: built-ins and ws alone.`,
        )
      } else if (!reached.has(fact.target)) {
        const target = byPath.get(fact.target)
        if (target === undefined) continue
        reached.set(fact.target, `${way} -> ${fact.target}`)
        open.push(target)
      }
    }
    for (const [pattern, instead] of tooNew) {
      for (const match of source.bare.matchAll(pattern)) {
        bad.push(
          `${placeOf(source, match.index)}: ${match[0]} is newer than Node 20, which must run ${way}. Use ${instead}.`,
        )
      }
    }
  }
  return bad
}

function isTypeOnly(source: SourceText, index: number): boolean {
  const statement =
    source.bare
      .slice(0, index)
      .match(/\b(?:import|export|require)\b(?![\s\S]*\b(?:import|export|require)\b)[\s\S]*$/)?.[0] ?? ''
  if (/^(?:import|export)\s+type\b/.test(statement)) return true
  const names = /^(?:import|export)\s*\{([^}]*)\}/.exec(statement)?.[1]?.split(',') ?? ['a value']
  return names.every((name) => name.trim() === '' || /^\s*type\s/.test(name))
}

/** Runtime dependencies that docs/dependencies.md does not account for, and lines there for none. */
export function checkDependencies(tree: Tree): string[] {
  const manifest = JSON.parse(textOf(tree, 'package.json') ?? '{}') as {
    dependencies?: Record<string, string>
  }
  const page = textOf(tree, 'docs/dependencies.md') ?? ''
  const rows = new Map<string, readonly string[]>()
  for (const match of page.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)) {
    rows.set(
      match[1] ?? '',
      (match[2] ?? '').split('|').map((cell) => cell.trim()),
    )
  }
  const names = Object.keys(manifest.dependencies ?? {})
  const bad: string[] = []
  for (const name of names) {
    const cells = rows.get(name)
    if (cells === undefined || cells.length < 3 || cells.some((cell) => cell.length < 3)) {
      bad.push(
        `docs/dependencies.md: no full line for ${name}. Add | \`${name}\` | what for | why this one | what it costs |.`,
      )
    }
    const version = manifest.dependencies?.[name] ?? ''
    if (!/^\d/.test(version)) bad.push(`package.json: ${name} is "${version}". Pin an exact version.`)
  }
  for (const name of rows.keys()) {
    if (!names.includes(name))
      bad.push(`docs/dependencies.md: a line for ${name}, which package.json does not depend on.`)
  }
  return bad
}
