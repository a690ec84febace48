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
      for (const { id, says, mutants } of properties) {
        it(`${id}: ${says}`, async () => {
          const [verdict] = await run({ file, seed, id }, limitMs)
          expect(verdict?.failure ?? null, `${id}, seed ${seed}`).toBeNull()
        })
        mutants.forEach((mutant, index) => {
          it(`${id} kills its mutant ${index + 1} in ${mutant.file}`, async () => {
            const { failure } = await runMutant(file, id, mutant, seed, limitMs)
            expect(failure, `${id} survived seed ${seed}: ${mutant.replace}`).not.toBeNull()
            kills.push(`${id} killed: ${mutant.file}: ${mutant.replace.trim().split('\n')[0]}`)
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
