import { defineConfig } from 'vitest/config'

// Tidy keeps the rules of the house, unit tests lie beside their file, properties run on the sources and on planted mutants,
// scenarios cross rooms on real sockets.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'tidy', include: ['test/tidy.test.ts'] } },
      {
        // Long enough for a busy machine: nothing here fails because it was slow.
        test: { name: 'unit', include: ['src/**/*.test.ts', 'simulator/**/*.test.ts'], testTimeout: 120_000 },
      },
      {
        test: {
          name: 'property',
          include: ['test/properties.test.ts'],
          testTimeout: 600_000,
          maxConcurrency: 2,
        },
      },
      {
        test: {
          name: 'resumption',
          include: ['test/resumptions.test.ts'],
          testTimeout: 600_000,
          maxConcurrency: 2,
        },
      },
      {
        test: {
          name: 'scenario',
          include: ['test/scenarios/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
