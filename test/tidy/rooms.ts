// Rooms and ranks: a file imports its own room and lower rooms only. The table is the one of ARCHITECTURE.md,
// with the ranks that rooms yet to come will take.

import { importsOf } from './imports.ts'
import { placeOf } from './source-text.ts'
import { isTest, scriptsOf, type Tree } from './tree.ts'

// From the highest to the lowest; rooms of one line do not import each other. `domain` may lean on `lib`, never the reverse.
const ranks: readonly (readonly string[])[] = [
  ['main.ts'],
  ['cli'],
  ['server.ts'],
  ['config', 'admin'],
  ['telemetry'],
  ['surfaces/mcp', 'surfaces/gateway', 'surfaces/chat', 'surfaces/files'],
  ['transport', 'bridge'],
  ['calls'],
  ['tools', 'resources', 'prompts', 'upstreams'],
  ['threads', 'documents'],
  ['routing'],
  ['cache', 'admission', 'ledger'],
  ['providers'],
  ['principals'],
  ['store'],
  ['streams'],
  ['domain'],
  ['lib'],
]
const rankOf = new Map(ranks.flatMap((rooms, rank) => rooms.map((room) => [room, rank] as const)))

/** The room of a path in `src/`: `surfaces/mcp`, `calls`, `server.ts`. */
export function roomOf(path: string): string {
  const [first = '', second = ''] = path.replace(/^src\//, '').split('/')
  return first === 'surfaces' ? `surfaces/${second}` : first
}

/** Imports that go up, sideways, or out of the part of the tree they may see. */
export function checkRanks(tree: Tree): string[] {
  const bad: string[] = []
  for (const source of scriptsOf(tree)) {
    const part = source.path.split('/')[0] ?? ''
    const room = roomOf(source.path)
    if (part === 'src' && !rankOf.has(room)) {
      bad.push(
        `${source.path}: the room "${room}" has no rank. Put the file into a room of ARCHITECTURE.md, or give the new room a line there and in test/tidy/rooms.ts.`,
      )
      continue
    }
    for (const fact of importsOf(source)) {
      const place = placeOf(source, fact.index)
      const wanted = fact.target
      if (fact.specifier.startsWith('/') || fact.specifier.startsWith('file:')) {
        bad.push(`${place}: imports the absolute path ${fact.specifier}. Import relatively.`)
      }
      if (wanted === null) continue
      const other = wanted.split('/')[0] ?? ''
      if (part === 'src') {
        if (other !== 'src') {
          const what = isTest(source.path)
            ? 'A unit test in src/ imports only src/; move a test that needs more to test/scenarios/'
            : 'src/ never imports anything outside itself'
          if (wanted !== 'package.json') bad.push(`${place}: imports ${wanted}. ${what}.`)
          continue
        }
        const theirs = roomOf(wanted)
        if (theirs === room) continue
        const mine = rankOf.get(room) ?? 0
        const rank = rankOf.get(theirs)
        if (rank === undefined) bad.push(`${place}: imports ${wanted}, whose room has no rank.`)
        else if (rank <= mine) {
          const why =
            theirs.startsWith('surfaces/') && room.startsWith('surfaces/')
              ? 'A surface never imports another surface'
              : rank === mine
                ? `${room} and ${theirs} stand on the same rank`
                : `${theirs} stands above ${room}`
          bad.push(
            `${place}: imports ${wanted}. ${why}: let server.ts hand it down, or move the shared word to domain/.`,
          )
        }
      } else if (part === 'simulator' && other !== 'simulator') {
        bad.push(
          `${place}: imports ${wanted}. The simulator stands alone: it is the other side of the wire, so it shares no code with src/.`,
        )
      } else if (part === 'bin' && other !== 'src' && other !== 'bin') {
        bad.push(
          `${place}: imports ${wanted}. The launcher may reach the built src/ and nothing else: nothing else is packed.`,
        )
      }
    }
  }
  return bad
}

/** Rings of imports in `src/` and `simulator/`, type imports included. */
export function checkCycles(tree: Tree): string[] {
  const next = new Map<string, readonly string[]>()
  for (const source of scriptsOf(tree)) {
    if (!/^(?:src|simulator|bin)\//.test(source.path)) continue
    next.set(
      source.path,
      importsOf(source).flatMap((fact) => (fact.target === null ? [] : [fact.target])),
    )
  }
  const bad = new Set<string>()
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) {
      const ring = trail.slice(at)
      const first = ring.indexOf([...ring].sort()[0] ?? '')
      bad.add([...ring.slice(first), ...ring.slice(0, first), ring[first]].join(' -> '))
      return
    }
    if (done.has(path)) return
    for (const target of next.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of next.keys()) visit(path, [])
  return [...bad].map(
    (ring) =>
      `${ring}: these files import each other in a ring. Move what both need into a third file below them.`,
  )
}
