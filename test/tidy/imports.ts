// Who imports whom: every specifier of a source, static, type-only, re-exported, dynamic and required.

import { posix } from 'node:path'
import type { SourceText } from './source-text.ts'

/** One import as it stands in a source. */
export interface ImportFact {
  readonly specifier: string
  readonly index: number
  /** Project-relative path for a relative specifier, `dist/` mapped back to the source it was built from; else null. */
  readonly target: string | null
  readonly isDynamic: boolean
}

const staticImport = /(?:^|[;\n}])\s*(?:import|export)\b(?:[^'"`;()]*?\bfrom)?\s*(['"])([^'"\n]+)\1/g
const dynamicImport = /\bimport\s*\(\s*(['"])([^'"\n]+)\1/g
const requireCall = /\brequire\s*\(\s*(['"])([^'"\n]+)\1/g

/** Every import of `source`, in order. */
export function importsOf(source: SourceText): readonly ImportFact[] {
  const found: ImportFact[] = []
  for (const [pattern, isDynamic] of [
    [staticImport, false],
    [dynamicImport, true],
    [requireCall, false],
  ] as const) {
    for (const match of source.code.matchAll(pattern)) {
      const specifier = match[2] ?? ''
      const index = match.index + match[0].lastIndexOf(specifier)
      // A string that merely shows an import statement is blanked in `bare`, its keyword too.
      if (!/\b(?:import|export|require)\b/.test(source.bare.slice(match.index, index))) continue
      found.push({ specifier, index, target: targetOf(source.path, specifier), isDynamic })
    }
  }
  return found.sort((a, b) => a.index - b.index)
}

function targetOf(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  const path = posix.normalize(posix.join(posix.dirname(from), specifier))
  return path.startsWith('dist/') ? path.slice('dist/'.length).replace(/\.js$/, '.ts') : path
}

/** The package of a bare specifier: `@scope/name/sub` is `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
