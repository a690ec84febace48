// The glossary is the vocabulary: each exported type of `src/` is a word that people use, so it stands there, and nothing
// stands there that is gone.

import { docAbove, exportsOf } from './exports.ts'
import { placeOf } from './source-text.ts'
import { sourcesOf, type Tree, textOf } from './tree.ts'

const glossaryPath = 'GLOSSARY.md'
const typesHeading = '## Types'

/** Exported types missing from the glossary, listed there twice, or listed there and gone. */
export function checkGlossary(tree: Tree): string[] {
  const glossary = textOf(tree, glossaryPath)
  if (glossary === undefined) return [`${glossaryPath} is missing. It holds every noun of the project.`]
  const listed = [...glossary.slice(glossary.indexOf(typesHeading)).matchAll(/^- `([A-Za-z]\w*)`: \S/gm)].map(
    (match) => match[1] ?? '',
  )
  const bad: string[] = []
  const known = new Set(listed)
  const alive = new Map<string, string>()
  for (const source of sourcesOf(tree, 'src')) {
    for (const each of exportsOf(source)) {
      if (!['interface', 'class', 'type'].includes(each.kind)) continue
      const other = alive.get(each.name)
      if (other !== undefined && other !== source.path) {
        bad.push(
          `${placeOf(source, each.index)}: ${other} exports a type ${each.name} too. One word, one meaning: rename one of them.`,
        )
      }
      alive.set(each.name, source.path)
      if (known.has(each.name)) continue
      const sentence =
        docAbove(source, each.index)
          ?.replace(/\s+/g, ' ')
          .match(/^.*?[.;:](?= |$)/)?.[0] ?? 'what it is.'
      bad.push(
        `${placeOf(source, each.index)}: the exported type ${each.name} is not in ${glossaryPath}. Look for a word that is already there; else add under "${typesHeading}": - \`${each.name}\`: ${sentence}`,
      )
    }
  }
  for (const name of known) {
    if (!alive.has(name))
      bad.push(
        `${glossaryPath}: lists \`${name}\`, which src/ does not export. Remove the line or rename it.`,
      )
    if (listed.indexOf(name) !== listed.lastIndexOf(name))
      bad.push(`${glossaryPath}: lists \`${name}\` twice. One word, one meaning.`)
  }
  return bad
}
