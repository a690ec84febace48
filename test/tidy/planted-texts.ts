// Planted faults name the place they change by its text. Whoever edits that place blinds the sabotage, and learns it only when that is run,
// which may be at night; so every such text must stand exactly once in the file it names. Reads the plants as texts, and runs none.

import { placeOf, type SourceText } from './source-text.ts'
import { scriptsOf, type Tree, textOf } from './tree.ts'

const literal = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/.source
const fileAndPlace = new RegExp(`^\\(\\s*(${literal}),\\s*(${literal}),`, 's')
const fileBefore = new RegExp(`\\bfile: *(${literal}),\\s*$`, 's')
const findAfter = new RegExp(`^find:\\s*(${literal})`, 's')
const cure =
  'Write the file, and right after it the text to find, each as one literal without numbered escapes.'
// More than any path, and than any text to find.
const reach = 2_000

/** Texts of mutants (`{ file, find, replace }`) and of `plantFault(file, place, fault)` that do not stand exactly once in their file. */
export function checkPlantedTexts(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of scriptsOf(tree)) {
    if (!source.path.startsWith('test/')) continue
    for (const { index, file, place } of plantsOf(source)) {
      const at = placeOf(source, index)
      if (file === null || place === null) {
        bad.push(`${at}: a plant that cannot be read. ${cure}`)
        continue
      }
      const text = textOf(tree, file)
      const times = text === undefined ? 0 : text.split(place).length - 1
      if (text === undefined) bad.push(`${at}: plants a fault in ${file}, which does not exist.`)
      else if (times !== 1)
        bad.push(
          `${at}: the text of its plant stands ${times} times in ${file}, expected once: ${JSON.stringify(place)}. Name the place that does it now.`,
        )
    }
  }
  return bad
}

interface PlantedText {
  readonly index: number
  /** From the root of the tree; null when it cannot be read, as `place`. */
  readonly file: string | null
  readonly place: string | null
}

function* plantsOf({ bare, code }: SourceText): Generator<PlantedText> {
  // Strings are blank in `bare`: what tidy's own plants hold is none of the tree.
  for (const { index, 0: word } of bare.matchAll(/(?<!function )\bplantFault(?=\()/g)) {
    const from = index + word.length
    const [, file, find] = fileAndPlace.exec(code.slice(from, from + reach)) ?? []
    // A built file is not in the tree; it is its source, printed again.
    const path =
      textIn(file)
        ?.replace(/^\/(?:dist\/)?/, '')
        .replace(/\.js$/, '.ts') ?? null
    yield { index, file: path, place: textIn(find) }
  }
  for (const { index } of bare.matchAll(/(?<!readonly )\bfind:\s*(?=['"`\w])/g)) {
    const [, file] = fileBefore.exec(code.slice(Math.max(0, index - reach), index)) ?? []
    const [, find] = findAfter.exec(code.slice(index, index + reach)) ?? []
    const path = textIn(file)
    yield { index, file: path === null ? null : `src/${path}`, place: textIn(find) }
  }
}

const escaped: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' }

// Null for what holds more than text, or an escape in numbers.
function textIn(written: string | undefined): string | null {
  if (written === undefined) return null
  const inside = written.slice(1, -1)
  if (/\\[xu0-9]/.test(inside.replaceAll('\\\\', '')) || /^`(?:\\.|[^\\])*?\$\{/s.test(written)) return null
  return inside.replace(/\\(.)/gs, (_, letter: string) => escaped[letter] ?? (letter === '\n' ? '' : letter))
}
