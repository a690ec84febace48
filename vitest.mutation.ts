// What Stryker runs: the unit tests of the two rooms, and their properties.

import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// The quick ones first: a mutant that they kill never meets the properties.
class UnitTestsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => (moduleId.includes('/test/mutation/') ? 1 : 0)
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

export default defineConfig({
  test: {
    include: ['src/admission/*.test.ts', 'src/routing/*.test.ts', 'test/mutation/properties.test.ts'],
    // A mutant may wait for ever; the slowest of these takes a second, and some beside other mutants.
    testTimeout: 12_000,
    // One worker for all files of a mutant; the rooms keep nothing between two tests.
    isolate: false,
    sequence: { sequencer: UnitTestsFirst },
  },
})
