import { defineConfig } from 'vitest/config'

// Three projects: tidy keeps the rules of the house, unit tests lie beside their file, scenarios cross rooms on real sockets.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'tidy', include: ['test/tidy.test.ts'] } },
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'simulator/**/*.test.ts'] } },
      {
        test: {
          name: 'scenario',
          include: ['test/scenarios/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
