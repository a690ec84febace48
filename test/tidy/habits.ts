// Habits of the code: time, dice and the environment are passed in; tests run; failures are never swallowed.

import { roomOf } from './rooms.ts'
import { placeOf, type SourceText } from './source-text.ts'
import { isTest, scriptsOf, sourcesOf, type Tree } from './tree.ts'

const clocks: readonly (readonly [RegExp, string])[] = [
  [/(?<![.\w#])(?:globalThis\.)?set(?:Timeout|Interval)\s*\(/g, 'clock.after'],
  [/\bDate\.now\b/g, 'clock.wallMs'],
  [/\bnew Date\s*\(\s*\)/g, 'new Date(clock.wallMs())'],
  [/\bperformance\.now\b/g, 'clock.now'],
  [/\bprocess\.hrtime\b/g, 'clock.now'],
  [/\bAbortSignal\.timeout\b/g, 'clock.after and an AbortController'],
  [/\bMath\.random\b/g, 'a Random'],
]

/** Clocks and dice taken from the machine instead of from the caller. `lib/` is where the machine's own are wrapped. */
export function checkTime(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of sourcesOf(tree, 'src')) {
    if (roomOf(source.path) === 'lib') continue
    for (const [pattern, instead] of clocks) {
      for (const match of source.bare.matchAll(pattern)) {
        bad.push(
          `${placeOf(source, match.index)}: ${match[0].trim()} outside lib/. Take a Clock or Random from the caller and use ${instead}, so that tests run in virtual time.`,
        )
      }
    }
    for (const match of source.code.matchAll(/\{([^}]*)\}\s*from\s*(['"])(?:node:)?timers\/promises\2/g)) {
      // setImmediate lets others have a turn and tells no time.
      if (/^\s*setImmediate\b[\s\w]*$/.test(match[1] ?? '')) continue
      bad.push(`${placeOf(source, match.index)}: timers/promises outside lib/. Take a Clock from the caller.`)
    }
  }
  return bad
}

/**
 * The environment read outside `config/`. `exai id` and `exai bridge` are programs of their own on an older Node and have
 * no config; so they read their own variables.
 */
export function checkEnvironment(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of sourcesOf(tree, 'src')) {
    const room = roomOf(source.path)
    if (room === 'config' || room === 'bridge' || source.path === 'src/cli/id.ts') continue
    for (const match of source.bare.matchAll(/\bprocess\.env\b|\benv\b[^;\n]*\}\s*from\s*['"]\s*['"]/g)) {
      bad.push(
        `${placeOf(source, match.index)}: process.env outside config/. Add an option to config/ and take its value from the caller.`,
      )
    }
  }
  return bad
}

/** Tests that do not run, or run alone. */
export function checkTestsRun(tree: Tree): string[] {
  const bad: string[] = []
  const marks =
    /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(?:skip|only|todo|skipIf|runIf|fails)\b|\bx(?:it|test|describe)\s*\(|\.skip\s*\(\s*\)/g
  for (const source of scriptsOf(tree).filter((each) => isTest(each.path))) {
    for (const match of source.bare.matchAll(marks)) {
      bad.push(
        `${placeOf(source, match.index)}: ${match[0]}. Every test runs, everywhere; delete it or make it pass.`,
      )
    }
  }
  return bad
}

/** Failures swallowed without a reason. */
export function checkCatches(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of scriptsOf(tree)) {
    if (!/^(?:src|simulator|bin|test|bench)\//.test(source.path)) continue
    for (const match of source.bare.matchAll(/\bcatch\b\s*(?:\([^)]*\)\s*)?\{([^{}]*)\}/g)) {
      const body = (match[1] ?? '').trim()
      const isDefault =
        body === '' || (!isTest(source.path) && /^(?:return\b[^\n;]*|continue|break);?$/.test(body))
      if (isDefault && !hasComment(source, match.index, match.index + match[0].length)) {
        bad.push(
          `${placeOf(source, match.index)}: a catch that ${body === '' ? 'does nothing' : 'only answers a default'}. Handle the failure, let it pass, or say in a comment inside why it does not matter.`,
        )
      }
    }
    for (const match of source.bare.matchAll(
      /\.catch\s*\(\s*\(?[\w\s,]*\)?\s*=>\s*(?:\{\s*\}|undefined|null|void 0)\s*\)/g,
    )) {
      const lineStart = source.text.lastIndexOf('\n', source.text.lastIndexOf('\n', match.index) - 1) + 1
      const lineEnd = source.text.indexOf('\n', match.index + match[0].length)
      if (!hasComment(source, lineStart, lineEnd < 0 ? source.text.length : lineEnd)) {
        bad.push(
          `${placeOf(source, match.index)}: a rejection swallowed in silence. Handle it, or say in a comment beside it why it does not matter.`,
        )
      }
    }
  }
  return bad
}

function hasComment(source: SourceText, from: number, to: number): boolean {
  return source.text.slice(from, to) !== source.code.slice(from, to)
}
