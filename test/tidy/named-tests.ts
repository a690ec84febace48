// Tests that the documents name: "a sentence of behaviour" (`path/of/its.test.ts`). A promise whose proof was renamed or deleted is no
// promise; so each name must stand in the file that is said to hold it.

import { type Tree, textOf } from './tree.ts'

const named = /((?:"[^"]+"(?:, (?:rule )?)?)+) \(`([^`]+\.ts)`/g
const letter = /^[A-Z]\d+$/

/** Names of tests, properties and rules in `docs/` that their file does not hold. */
export function checkNamedTests(tree: Tree): string[] {
  const bad: string[] = []
  for (const { path, text } of tree.files) {
    if (!/^docs\/[\w-]+\.md$/.test(path)) continue
    for (const [, names = '', file = ''] of text.matchAll(named)) {
      const held = textOf(tree, file)
      if (held === undefined) {
        bad.push(`${path}: names a test in ${file}, which does not exist.`)
        continue
      }
      for (const [, name = ''] of names.matchAll(/"([^"]+)"/g)) {
        const isThere = letter.test(name)
          ? held.includes(`id: '${name}'`) || held.includes(`describe('${name}'`)
          : held.includes(name)
        if (!isThere) bad.push(`${path}: ${file} holds no test "${name}". Name the one that proves it now.`)
      }
    }
  }
  return bad
}
