// Every lettered property of the design, on the sources, and on each of its planted mutants, which it must kill. Prints the
// seed and the list of kills; EXAI_SEED repeats a run.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import type { Property } from './properties/kit.ts'
import { run, runMutant } from './properties/run.ts'

const folder = join(import.meta.dirname, 'properties')
const files = readdirSync(folder).filter((name) => name.endsWith('.property.ts'))
const seed = Number(process.env.EXAI_SEED ?? Math.floor(Math.random() * 2 ** 31))
// On the sources all of it ends; only a mutant may go on for ever. Not one with a database, which takes its time.
const sourcesMs = 300_000
const mutantMs = 30_000
const withDatabase = new Set(['ledger.property.ts', 'payer.property.ts'])
const kills: string[] = []
// What admission promises, each letter one promise: whoever takes a property away takes its promise back. How many there are at least.
const letters = { P: 8, F: 14, A: 5, B: 7, R: 8, C: 8, S: 7, K: 5, L: 4 }
const seen = new Set<string>()

describe.concurrent(`properties, seed ${seed}`, () => {
  for (const name of files) {
    const file = join(folder, name)
    const limitMs = withDatabase.has(name) ? sourcesMs : mutantMs
    describe(name, async () => {
      const { properties } = (await import(pathToFileURL(file).href)) as { properties: readonly Property[] }
      // One process runs all of a file on the sources; each mutant has one of its own, which may never end.
      let verdicts: ReturnType<typeof run> | null = null
      for (const { id, says, mutants } of properties) {
        seen.add(id.split(' ')[0] ?? '')
        it(`${id}: ${says}`, async () => {
          verdicts ??= run({ file, seed, id: null }, sourcesMs)
          const failures = (await verdicts).map((each) => `${each.id}: ${each.failure}`)
          const verdict = (await verdicts).find((each) => each.id === id)
          expect(verdict, failures.join('; ')).toBeDefined()
          expect(verdict?.failure, `${id}, seed ${seed}`).toBeNull()
        })
        mutants.forEach((mutant, index) => {
          it(`${id} kills its mutant ${index + 1} in ${mutant.file}`, async () => {
            const { failure, isBroken } = await runMutant(file, id, mutant, seed, limitMs)
            expect(isBroken, `${id}: its mutant is no program: ${failure}`).toBe(false)
            expect(failure, `${id} survived seed ${seed}: ${mutant.replace}`).not.toBeNull()
            const [edit = ''] = (mutant.replace.trim() || `without ${mutant.find.trim()}`).split('\n')
            kills.push(`${id} killed: ${mutant.file}: ${edit.slice(0, 100)}`)
          })
        })
        it(`${id} has a mutant`, () => expect(mutants.length).toBeGreaterThan(0))
      }
    })
  }
})

it.each(Object.entries(letters))('every promise %s of the %i has a property', (letter, count) => {
  const wanted = Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
  expect(wanted.filter((id) => !seen.has(id))).toEqual([])
})

afterAll(() => {
  const order = (line: string): string => line.replace(/\d+/, (digits) => digits.padStart(3, '0'))
  for (const line of kills.sort((a, b) => order(a).localeCompare(order(b)))) console.log(line)
})
