// Getters and setters belong to classes. In an object literal the engine makes the accessor part of the object's hidden class, and a
// literal that is made per call makes a new one each time: see `docs/decisions/accessors-in-classes.md`.

import { placeOf } from './source-text.ts'
import { sourcesOf, type Tree } from './tree.ts'

// `get` and `set` followed by a name and parameters is an accessor and nothing else; a method called `get` has no second name.
const accessor = /(?<![.\w$#])(?:get|set)[ \t]+(?:#?[\w$]+|(?:'[^']*'|"[^"]*")|\[[^\]\n]*\])[ \t]*\(/g
// What stands before the brace of a class; a property named `class` is followed by a colon.
const classHead =
  /(?<![.\w$#])(?:class|interface)(?:\s+[\w$]+)?(?:\s*<[^{}]*>)?(?:\s+(?:extends|implements)\s[^{};]*)?\s*$/

/** Accessors outside classes. */
export function checkAccessors(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of sourcesOf(tree, 'src')) {
    for (const match of source.bare.matchAll(accessor)) {
      if (classHead.test(source.bare.slice(0, openingBrace(source.bare, match.index)))) continue
      const what = source.code.slice(match.index, match.index + match[0].length)
      bad.push(
        `${placeOf(source, match.index)}: the accessor ${what}) in an object literal. Made per call, each such object has a hidden class of its own, and all that it reaches lives until the engine's next full collection. Make it a method, or a getter of a class.`,
      )
    }
  }
  return bad
}

/** Index of the brace that opens the block around `index`; 0 where there is none. */
function openingBrace(bare: string, index: number): number {
  let closed = 0
  for (let at = index - 1; at >= 0; at--) {
    if (bare[at] === '}') closed++
    else if (bare[at] === '{' && closed-- === 0) return at
  }
  return 0
}
