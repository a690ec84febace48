// Sizes and names: small files, one concept each, called by what they are.

import { basename } from 'node:path'
import { exportsOf } from './exports.ts'
import { isTest, scriptsOf, sourcesOf, type Tree } from './tree.ts'

const linesMax = 300
const medianMax = 120
const banned = new Set([
  'manager',
  'helper',
  'helpers',
  'util',
  'utils',
  'utility',
  'utilities',
  'enhanced',
  'misc',
  'common',
])
const isOurs = /^(?:src|simulator|bin|test|bench)\//

/** Lines of a text; a final line break ends the last line and begins none. */
export function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

/** Files that grew too long, and a `src/` whose files did. */
export function checkSizes(tree: Tree): string[] {
  const bad = scriptsOf(tree)
    .filter((source) => isOurs.test(source.path) && !isTest(source.path))
    .filter((source) => linesOf(source.text) > linesMax)
    .map(
      (source) =>
        `${source.path}: ${linesOf(source.text)} lines, ${linesMax} at most. Split it by concept, never into parts.`,
    )
  const sizes = sourcesOf(tree, 'src')
    .map((source) => linesOf(source.text))
    .sort((a, b) => a - b)
  const median = sizes[Math.floor((sizes.length - 1) / 2)] ?? 0
  if (median > medianMax)
    bad.push(
      `src: the median source file has ${median} lines, ${medianMax} at most. Split the largest ones by concept.`,
    )
  return bad
}

/** Names that say nothing: of files, folders and exported things. */
export function checkNames(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of scriptsOf(tree)) {
    if (!isOurs.test(source.path)) continue
    const stem = basename(source.path).replace(/(?:\.(?:test|property))?\.[a-z]+$/, '')
    for (const word of source.path.toLowerCase().split(/[/.\-_]/)) {
      if (banned.has(word))
        bad.push(`${source.path}: "${word}" says nothing. Name the file after the one concept it holds.`)
    }
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(stem.replace(/^_/, '')))
      bad.push(`${source.path}: file names are kebab-case.`)
    const exported = exportsOf(source)
    if (stem === 'index' && !exported.some((each) => /registry$/i.test(each.name))) {
      bad.push(
        `${source.path}: an index exists only where it is a registry (it exports a …Registry). Import from the files themselves.`,
      )
    }
    for (const each of exported) {
      const word = wordsOf(each.name).find((every) => banned.has(every))
      if (word !== undefined)
        bad.push(
          `${source.path}: the exported name ${each.name} holds "${word}", which says nothing. Say what it does.`,
        )
    }
  }
  return bad
}

/** Words of an identifier, lower case: `PdfTextReader` is pdf, text, reader. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[\s_$]+/)
}
