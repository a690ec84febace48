// Planted faults in what the code does and says: vocabulary, dependencies, time, environment, tests, failures, words.

import { homedir } from 'node:os'
import type { Plant } from './plant.ts'

const join = (...halves: readonly string[]): string => halves.join('')
const doc = '/** A word that people use. */\n'
const glossary = 'every exported type is a word of the glossary'
const portable = 'what other programs spawn runs on Node 20 with built-ins and ws alone'
const dependencies = 'every dependency is pinned and accounted for'
const time = 'time and dice are passed in'
const environment = 'only config reads the environment'
const testsRun = 'every test runs'
const catches = 'no failure is swallowed in silence'
const words = 'the tree holds finished work'
const places = 'the tree speaks of no machine and no registry'

/** Faults that the rules of conduct must see. */
export const conductPlants: readonly Plant[] = [
  { rule: glossary, name: 'no glossary', files: {}, fires: /is missing/ },
  {
    rule: glossary,
    name: 'a missing word, with the line to add',
    files: { 'GLOSSARY.md': '## Types', 'src/lib/a.ts': `${doc}export interface Turnip {}` },
    fires: /- `Turnip`: A word that people use\./,
  },
  {
    rule: glossary,
    name: 'a word that is gone',
    files: { 'GLOSSARY.md': '## Types\n- `Turnip`: a root.' },
    fires: /does not export/,
  },
  {
    rule: glossary,
    name: 'a word twice',
    files: {
      'GLOSSARY.md': '## Types\n- `Turnip`: a root.\n- `Turnip`: a queue.',
      'src/lib/a.ts': 'export class Turnip {}',
    },
    fires: /twice/,
  },
  {
    rule: glossary,
    name: 'one word for two things',
    files: {
      'GLOSSARY.md': '## Types\n- `Turnip`: a root.',
      'src/lib/a.ts': 'export class Turnip {}',
      'src/lib/b.ts': 'export class Turnip {}',
    },
    fires: /One word, one meaning: rename one of them/,
  },
  {
    rule: portable,
    name: 'a package',
    files: { 'src/bridge/a.ts': "import { z } from 'zod'" },
    fires: /imports zod/,
  },
  {
    rule: portable,
    name: 'a package, two files away',
    files: {
      'src/cli/id.ts': "import { b } from '../lib/b.ts'",
      'src/lib/b.ts': "import { c } from './c.ts'",
      'src/lib/c.ts': "import pino from 'pino'",
    },
    fires: /src\/cli\/id\.ts -> src\/lib\/b\.ts -> src\/lib\/c\.ts/,
  },
  {
    rule: portable,
    name: 'a package behind the launcher',
    files: {
      'bin/exai.js': "import { b } from '../dist/src/lib/b.js'",
      'src/lib/b.ts': "import { Agent } from 'undici'",
    },
    fires: /imports undici/,
  },
  {
    rule: portable,
    name: 'a package that the launcher requires',
    files: { 'bin/exai.js': "const { z } = require('zod')" },
    fires: /imports zod/,
  },
  {
    rule: portable,
    name: 'a built-in that Node 20 lacks',
    files: { 'src/bridge/a.ts': "import { DatabaseSync } from 'node:sqlite'" },
    fires: /node:sqlite/,
  },
  {
    rule: portable,
    name: 'language that Node 20 lacks',
    files: { 'src/bridge/a.ts': 'const { promise } = Promise.withResolvers()' },
    fires: /newer than Node 20/,
  },
  {
    rule: portable,
    name: 'types cost nothing; the launcher hands the rest to a newer Node',
    files: {
      'src/cli/id.ts':
        "import type { z } from 'zod'\nimport { type A, type B } from 'pino'\nimport { WebSocket } from 'ws'",
      'bin/exai.js': "await import('../dist/src/main.js')",
      'src/main.ts': "import { z } from 'zod'",
    },
    fires: null,
  },
  {
    rule: dependencies,
    name: 'no line',
    files: { 'package.json': '{"dependencies":{"left-pad":"1.3.0"}}', 'docs/dependencies.md': '' },
    fires: /no full line for left-pad/,
  },
  {
    rule: dependencies,
    name: 'half a line',
    files: {
      'package.json': '{"dependencies":{"left-pad":"1.3.0"}}',
      'docs/dependencies.md': '| `left-pad` | padding | |',
    },
    fires: /no full line for left-pad/,
  },
  {
    rule: dependencies,
    name: 'a range',
    files: {
      'package.json': '{"dependencies":{"left-pad":"^1.3.0"}}',
      'docs/dependencies.md': '| `left-pad` | padding | well kept | nothing |',
    },
    fires: /exact version/,
  },
  {
    rule: dependencies,
    name: 'a line for nothing',
    files: { 'package.json': '{}', 'docs/dependencies.md': '| `left-pad` | padding | well kept | nothing |' },
    fires: /does not depend on/,
  },
  {
    rule: time,
    name: 'a timer',
    files: { 'src/calls/a.ts': 'setTimeout(() => 1, 5)' },
    fires: /setTimeout\( outside lib/,
  },
  {
    rule: time,
    name: 'the date',
    files: { 'src/calls/a.ts': 'const a = Date.now()' },
    fires: /Date\.now outside lib/,
  },
  {
    rule: time,
    name: 'dice',
    files: { 'src/calls/a.ts': 'const a = Math.random' },
    fires: /Math\.random outside lib/,
  },
  {
    rule: time,
    name: 'a sleep',
    files: { 'src/calls/a.ts': "import { setTimeout as sleep } from 'node:timers/promises'" },
    fires: /timers\/promises/,
  },
  {
    rule: time,
    name: 'where the machine is wrapped, and methods of others',
    files: {
      'src/lib/clock.ts': 'setTimeout(() => 1, 5)',
      'src/transport/a.ts': '// never setTimeout(…)\nsocket.setTimeout(0)\nconst a = "Math.random"',
    },
    fires: null,
  },
  {
    rule: environment,
    name: 'a variable',
    files: { 'src/calls/a.ts': 'const a = process.env.A' },
    fires: /outside config/,
  },
  {
    rule: environment,
    name: 'config and the two small programs',
    files: {
      'src/config/a.ts': 'process.env.A',
      'src/cli/id.ts': 'process.env.A',
      'src/bridge/a.ts': 'process.env.A',
    },
    fires: null,
  },
  {
    rule: testsRun,
    name: 'skipped',
    files: { 'src/lib/a.test.ts': "it.skip('x', () => {})" },
    fires: /it\.skip/,
  },
  {
    rule: testsRun,
    name: 'alone',
    files: { 'test/scenarios/a.test.ts': "describe.only('x', () => {})" },
    fires: /describe\.only/,
  },
  { rule: testsRun, name: 'promised', files: { 'src/lib/a.test.ts': "test.todo('x')" }, fires: /test\.todo/ },
  {
    rule: testsRun,
    name: 'skipped on some machines',
    files: { 'src/lib/a.test.ts': "it.skipIf(true)('x', () => {})" },
    fires: /it\.skipIf/,
  },
  {
    rule: catches,
    name: 'nothing',
    files: { 'src/lib/a.ts': 'try { a() } catch {}' },
    fires: /does nothing/,
  },
  {
    rule: catches,
    name: 'a default',
    files: { 'src/lib/a.ts': 'try { a() } catch (error) {\n  return null\n}' },
    fires: /only answers a default/,
  },
  { rule: catches, name: 'a promise', files: { 'src/lib/a.ts': 'a().catch(() => {})' }, fires: /in silence/ },
  {
    rule: catches,
    name: 'with the reason',
    files: {
      'src/lib/a.ts':
        'try { a() } catch {\n  // The file may be gone already, which is what we want.\n}\ntry { b() } catch (error) { report(error) }',
    },
    fires: null,
  },
  {
    rule: words,
    name: 'unfinished',
    files: { 'docs/a.md': join('TO', 'DO: write this') },
    fires: /Finish it/,
  },
  {
    rule: words,
    name: 'unfinished, politely',
    files: { 'src/lib/a.ts': join('// Good enough for', ' now.') },
    fires: /unfinished work/,
  },
  {
    rule: words,
    name: 'a silenced checker',
    files: { 'test/a.ts': join('// @ts', '-expect-error') },
    fires: /silences a checker/,
  },
  {
    rule: words,
    name: 'a test may say such words of its subject',
    files: { 'docs/a.md': 'The todo list of the editor.' },
    fires: null,
  },
  {
    rule: places,
    name: 'a home',
    files: { 'docs/a.md': `See ${homedir()}/notes.` },
    fires: /place on one machine/,
  },
  {
    rule: places,
    name: 'a registry',
    files: { '.npmrc': join('registry=https://registry', '.example.com/') },
    fires: /registry's host/,
  },
  {
    rule: places,
    name: 'relative and everyone’s',
    files: { 'docs/a.md': 'See ~/work/notes, ./src and https://example.com/home/.' },
    fires: null,
  },
]
