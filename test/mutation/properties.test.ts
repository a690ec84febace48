// The lettered properties, on the sources alone and in the test's own thread: Stryker switches its mutants on there, and a
// worker or a process would not see them. Without the properties' own mutants, and without the ledger's, which start processes.

import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Property, Room, Rooms } from '../properties/kit.ts'

// What fails is a kill; nobody asks for the smallest example.
fc.configureGlobal({ endOnFailure: true })

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'test/properties')
const isOfTheRooms = (name: string): boolean =>
  /\b(?:admission|routing)\//.test(readFileSync(join(folder, name), 'utf8'))
// Cuts an answer at every place, for seconds: last, since whatever fails before it has found the mutant.
const slowest = 'attempt-ends.property.ts'
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.property.ts') && name !== 'ledger.property.ts' && isOfTheRooms(name))
  .toSorted((a, b) => Number(a === slowest) - Number(b === slowest))
// The dice are the same for every mutant: Stryker compares runs.
const seed = 497_883_688
const rooms: Rooms = {
  sources: join(root, 'src'),
  load: <Module>({ path }: Room<Module>) =>
    import(pathToFileURL(join(root, 'src', path)).href) as Promise<Module>,
}

for (const name of files) {
  describe(name, async () => {
    const file = pathToFileURL(join(folder, name)).href
    const { properties } = (await import(file)) as { properties: readonly Property[] }
    for (const { id, says, check } of properties) it(`${id}: ${says}`, () => check(rooms, seed))
  })
}
