// `npm run nightly:mutation`: Stryker plants every mutant it knows in admission/ and routing/, and the rooms' unit tests and
// properties must find them. Prints a line for each survivor and a score for each file; below 85 % it fails.
// `--files admission/gcra.ts,routing/` takes a slice; `--resume` goes on from what earlier runs in this folder have found, as far as
// neither the mutant nor its tests have changed since.

import { globSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'

type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number]

const scoreMin = 85
const root = resolve(import.meta.dirname, '../..')
process.chdir(root)

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: 'admission/,routing/' },
    resume: { type: 'boolean', default: false },
  },
})
const sources = globSync(['src/admission/*.ts', 'src/routing/*.ts']).filter(
  (path) => !path.endsWith('.test.ts'),
)
const wanted = values.files.split(',').map((each) => (each.startsWith('src/') ? each : `src/${each}`))
const files = sources.filter((path) => wanted.some((each) => path.startsWith(each))).toSorted()
if (files.length === 0) {
  console.error(`--files ${values.files} names no source of src/admission or src/routing`)
  process.exit(2)
}

const stryker = new Stryker({
  mutate: files,
  testRunner: 'vitest',
  plugins: [fileURLToPath(import.meta.resolve('@stryker-mutator/vitest-runner'))],
  vitest: { configFile: 'vitest.mutation.ts', related: false },
  coverageAnalysis: 'perTest',
  // One more than the machine's cores: a mutant that waits for ever takes none.
  concurrency: 3,
  // Beyond the time of the tests that meet the mutant; one that loops for ever costs all of it.
  timeoutMS: 5_000,
  timeoutFactor: 1.5,
  // TypeScript 7 has no compiler for programs to call, which is what Stryker would read a tsconfig with.
  tsconfigFile: 'none',
  ignorePatterns: ['dist', 'docs', 'bench', 'simulator', '**/.cache'],
  tempDirName: 'test/mutation/.cache/stryker',
  incremental: true,
  incrementalFile: 'test/mutation/.cache/found.json',
  force: !values.resume,
  reporters: ['progress-append-only'],
  // Only what runs once, when a file is loaded: each such mutant would run every test, and they are the tables' planted ones.
  ignoreStatic: true,
  thresholds: { high: 95, low: scoreMin, break: null },
})

const startedAt = performance.now()
const mutants = await stryker.runMutationTest()
const minutes = ((performance.now() - startedAt) / 60_000).toFixed(1)

const isFound = ({ status }: Mutant): boolean => status === 'Killed' || status === 'Timeout'
const isMissed = ({ status }: Mutant): boolean => status === 'Survived' || status === 'NoCoverage'
const count = (list: readonly Mutant[], test: (mutant: Mutant) => boolean): number => list.filter(test).length
const scoreOf = (list: readonly Mutant[]): number => {
  const found = count(list, isFound)
  const all = found + count(list, isMissed)
  // A file of types alone has nothing to change.
  return all === 0 ? 100 : (100 * found) / all
}

for (const { fileName, location, mutatorName, replacement, status } of mutants.filter(isMissed)) {
  const path = fileName.slice(root.length + 1)
  const { line, column } = location.start
  const edit = (replacement ?? '').replace(/\s+/g, ' ').slice(0, 100)
  console.log(
    `${status === 'Survived' ? 'survived' : 'not run '} ${path}:${line}:${column} ${mutatorName}: ${edit}`,
  )
}
console.log('\n  score  killed  timeout  survived  not run  file')
for (const path of files) {
  const of = mutants.filter(({ fileName }) => fileName.endsWith(`/${path}`))
  const numbers = (['Killed', 'Timeout', 'Survived', 'NoCoverage'] as const).map((status) =>
    String(count(of, (mutant) => mutant.status === status)).padStart(8),
  )
  console.log(`${scoreOf(of).toFixed(1).padStart(7)}${numbers.join('')}  ${path}`)
}
const all = count(mutants, (each) => isFound(each) || isMissed(each))
const score = scoreOf(mutants)
console.log(
  `\nmutation score ${score.toFixed(1)} % of ${all} mutants in ${files.length} files, at least ${scoreMin} % wanted; ${minutes} minutes`,
)
// Who changed nothing has proved nothing.
process.exitCode = all > 0 && score >= scoreMin ? 0 : 1
