// Each tool, and each further road of a call, broken off right before its every resumption, on the sources and on planted mutants,
// which it must find. Prints K, the number of resumptions, for each, and the list of kills.

import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { run, runMutant } from './properties/run.ts'
import { properties } from './resumptions/calls.property.ts'

const file = join(import.meta.dirname, 'resumptions', 'calls.property.ts')
// Not one of them takes a tenth of it; only a server that hangs does.
const limitMs = 500_000
const kills: string[] = []

describe.concurrent('a call broken off right before any of its resumptions leaves nothing', () => {
  for (const { id, mutants } of properties) {
    it(id, async () => {
      const [verdict] = await run({ file, seed: 0, id }, limitMs)
      expect(verdict?.failure, id).toBeNull()
    })
    for (const mutant of mutants) {
      it(`${id}: finds the mutant in ${mutant.file}`, async () => {
        const { failure, isBroken } = await runMutant(file, id, mutant, 0, limitMs)
        expect(isBroken, `${id}: its mutant is no program: ${failure}`).toBe(false)
        expect(failure, `${id}: its mutant survived: ${mutant.replace}`).not.toBeNull()
        kills.push(`${id}: found in ${mutant.file}: ${failure?.slice(0, 160)}`)
      })
    }
  }
})

afterAll(() => {
  for (const line of kills) console.log(line)
})
