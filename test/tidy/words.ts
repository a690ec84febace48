// Words that do not belong into the tree: unfinished work, silenced checkers, places of one machine, private hosts.
// They are put together from halves here, so that this file may be read like any other.

import { homedir } from 'node:os'
import { isScript, placeOf } from './source-text.ts'
import type { Tree } from './tree.ts'

/** Where this run happens; passed in so that the rule can be tried with planted places. */
export interface Machine {
  readonly root: string
  readonly home: string
}

/** This machine, with the project at `root`. */
export function thisMachine(root: string): Machine {
  return { root, home: homedir() }
}

const join = (...halves: readonly string[]): string => halves.join('')
const everywhere = new RegExp(
  `\\b(?:${[join('TO', 'DO'), join('FIX', 'ME'), join('XX', 'X'), join('HA', 'CK'), join('TB', 'D'), join('WI', 'P')].join('|')})\\b`,
  'g',
)
const inProduct = new RegExp(
  `\\b(?:${[join('for', ' now'), join('place', 'holder'), join('stu', 'b(?:s|bed)?'), join('not (?:yet )?', 'implemented'), join('coming', ' soon'), join('temp', 'orary (?:fix|solution)')].join('|')})\\b`,
  'gi',
)
const silenced = new RegExp(
  `${join('@ts', '-(?:ignore|expect-error|nocheck)')}|${join('biome', '-ignore')}|${join('eslint', '-disable')}|\\b(?:v8|c8|istanbul) ignore\\b`,
  'g',
)
const registry = new RegExp(
  join(
    '\\b(?:registry|npm|nexus|artifactory|verdaccio|pypi)',
    '\\.[a-z0-9-]+\\.(?:com|org|net|io|dev|cn|internal|local|corp|lan)\\b',
  ),
  'gi',
)

/** Words of unfinished work and comments that silence a checker. */
export function checkWords(tree: Tree): string[] {
  const bad: string[] = []
  for (const file of tree.files) {
    for (const match of file.text.matchAll(everywhere)) {
      bad.push(
        `${placeOf(file, match.index)}: "${match[0]}". Finish it, or put it into the issue list; the tree holds finished work.`,
      )
    }
    if (isScript(file.path)) {
      for (const match of file.text.matchAll(silenced)) {
        bad.push(
          `${placeOf(file, match.index)}: "${match[0]}" silences a checker. Mend what it complains about.`,
        )
      }
    }
    if (!/^(?:src|simulator|bin)\//.test(file.path)) continue
    for (const match of file.text.matchAll(inProduct)) {
      bad.push(
        `${placeOf(file, match.index)}: "${match[0]}" speaks of unfinished work. Finish it, or say what it is.`,
      )
    }
  }
  return bad
}

/** Absolute places of one machine, and hosts of package registries. */
export function checkPlaces(tree: Tree, machine: Machine): string[] {
  const places = [machine.root, machine.home, join('/wo', 'rk')].filter((place) => place.length > 1)
  const escaped = places.map((place) => place.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`(?<![\\w.~$}/-])(?:${escaped.join('|')})(?=/)`, 'g')
  const bad: string[] = []
  for (const file of tree.files) {
    for (const match of file.text.matchAll(pattern)) {
      bad.push(
        `${placeOf(file, match.index)}: ${match[0]} is a place on one machine. Use a relative path, a temporary folder, or ~.`,
      )
    }
    for (const match of file.text.matchAll(registry)) {
      bad.push(
        `${placeOf(file, match.index)}: ${match[0]} is a package registry's host. Leave it to npm's own configuration.`,
      )
    }
  }
  return bad
}
