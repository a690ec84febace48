// What a file shows to others: named, documented, declared where it is exported, and never through a hub.

import { placeOf, type SourceText } from './source-text.ts'
import { isTest, scriptsOf, sourcesOf, type Tree } from './tree.ts'

/** One exported declaration. */
export interface ExportFact {
  readonly name: string
  readonly kind: 'function' | 'class' | 'interface' | 'type' | 'const' | 'let'
  readonly index: number
}

const declaration =
  /^export\s+(?:declare\s+)?(?:async\s+)?(?:abstract\s+)?(function|class|interface|type|const|let)\b\s*\*?\s*([A-Za-z_$][\w$]*)/gm

/** Exported declarations of `source`, in order. */
export function exportsOf(source: SourceText): readonly ExportFact[] {
  return [...source.bare.matchAll(declaration)].map((match) => ({
    kind: match[1] as ExportFact['kind'],
    name: match[2] ?? '',
    index: match.index,
  }))
}

/** The doc comment right above an index; null when there is none. */
export function docAbove(source: SourceText, index: number): string | null {
  const before = source.text.slice(0, index).trimEnd()
  if (!before.endsWith('*/')) return null
  const start = before.lastIndexOf('/*')
  if (!before.startsWith('/**', start)) return null
  const words = before
    .slice(start + 3, -2)
    .replace(/^\s*\*? ?/gm, '')
    .trim()
  return words.length >= 8 ? words : null
}

/** Exports without a doc comment, and files without an opening comment. */
export function checkDocs(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of sourcesOf(tree, 'src', 'simulator', 'bin', 'test', 'bench')) {
    const opening = source.text.replace(/^#![^\n]*\n/, '')
    if (!/^(?:\/\/ ?\S|\/\*)/.test(opening)) {
      bad.push(
        `${source.path}: opens without a comment. Say in one to five lines what the file is, what it promises and what it does not do.`,
      )
    }
    const seen = new Set<string>()
    for (const each of exportsOf(source)) {
      const isOverload = each.kind === 'function' && seen.has(each.name)
      seen.add(each.name)
      if (!isOverload && docAbove(source, each.index) === null) {
        bad.push(
          `${placeOf(source, each.index)}: the exported ${each.kind} ${each.name} has no doc comment. Put a sentence in /** */ right above it: what it is, units, errors.`,
        )
      }
    }
  }
  return bad
}

/** Default exports, hubs that re-export, and names exported away from their declaration. */
export function checkExportForms(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of scriptsOf(tree)) {
    if (!/^(?:src|simulator|bin|test|bench)\//.test(source.path)) continue
    for (const match of source.bare.matchAll(/^export\s+default\b|^export\s*\{[^}]*\bas\s+default\b/gm)) {
      bad.push(
        `${placeOf(source, match.index)}: default export. Export by name, so that one thing has one name everywhere.`,
      )
    }
    for (const match of source.bare.matchAll(/^export\s+(?:type\s+)?\*/gm)) {
      bad.push(
        `${placeOf(source, match.index)}: exports everything of another file. Import from the file that owns the name.`,
      )
    }
    const reexport = source.bare.match(/^export\s+(?:type\s+)?\{[^}]*\}\s*from\b/m)
    const rest = source.bare
      .replace(/^export\s+(?:type\s+)?(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?)\s*from\s*['"][^'"]*['"];?/gm, '')
      .replace(/^import\b[^'"]*['"][^'"]*['"];?/gm, '')
    if (reexport && rest.trim() === '' && !isTest(source.path)) {
      bad.push(`${source.path}: only passes on what other files own. Delete it and import from those files.`)
    }
    for (const match of source.bare.matchAll(/^export\s+(?:type\s+)?\{[^}]*\}(?!\s*from\b)/gm)) {
      if (!/\bas\s+default\b/.test(match[0])) {
        bad.push(
          `${placeOf(source, match.index)}: an export list. Write export at the declaration, with its doc comment.`,
        )
      }
    }
  }
  return bad
}
