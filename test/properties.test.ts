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
const limitMs = 30_000
const kills: string[] = []

describe.concurrent(`properties, seed ${seed}`, () => {
  for (const name of files) {
    const file = join(folder, name)
    describe(name, async () => {
      const { properties } = (await import(pathToFileURL(file).href)) as { properties: readonly Property[] }
      // One thread runs all of a file on the sources; each mutant has a thread of its own, which may never end.
      let verdicts: ReturnType<typeof run> | null = null
      for (const { id, says, mutants } of properties) {
        it(`${id}: ${says}`, async () => {
          verdicts ??= run({ file, seed, id: null }, 2 * limitMs)
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

afterAll(() => {
  const order = (line: string): string => line.replace(/\d+/, (digits) => digits.padStart(3, '0'))
  for (const line of kills.sort((a, b) => order(a).localeCompare(order(b)))) console.log(line)
})
