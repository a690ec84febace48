import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// One compares memory over minutes, one has sessions end after seconds. Company would gain nothing either: each keeps two processes busy.
const alone = ['mcp-fuzz', 'sessions-abandoned'].map((name) => `test/scenarios/${name}.test.ts`)

// Half of them are at work, the others wait for processes and vendors.
const company = Math.max(2, Math.floor(availableParallelism() / 2))

// Tidy keeps the rules of the house, unit tests lie beside their file, properties run on the sources and on planted mutants,
// scenarios cross rooms on real sockets. Groups run one after the other: in the first, two files at a time, and more on more cores; then
// the properties and the resumptions, each of which runs two processes at a time; then each scenario of the last by itself.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'tidy',
          include: ['test/tidy.test.ts'],
          maxWorkers: company,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'simulator/**/*.test.ts'],
          // Long enough for a busy machine: nothing here fails because it was slow.
          testTimeout: 120_000,
          maxWorkers: company,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'scenario',
          include: ['test/scenarios/**/*.test.ts'],
          exclude: alone,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: company,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'property',
          include: ['test/properties.test.ts'],
          testTimeout: 600_000,
          maxConcurrency: 2,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'resumption',
          include: ['test/resumptions.test.ts'],
          testTimeout: 600_000,
          maxConcurrency: 2,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'scenario-alone',
          include: alone,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
