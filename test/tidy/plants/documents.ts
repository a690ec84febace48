// Planted faults for the rules about the tests and files that documents name.

import type { Plant } from './plant.ts'

const tests = 'every test that a document names is there'
const paths = 'every file that a document names is there'

/** Documents that break the rule, and one that keeps it. */
export const documentPlants: readonly Plant[] = [
  {
    rule: tests,
    name: 'a name that nothing has',
    files: {
      'docs/a.md': 'Seen by "falls apart" (`test/a.test.ts`).',
      'test/a.test.ts': "it('holds', () => {})",
    },
    fires: /holds no test "falls apart"/,
  },
  {
    rule: tests,
    name: 'a letter that nothing has',
    files: {
      'docs/a.md': 'Seen by "P1", "P2" (`test/a.property.ts`).',
      'test/a.property.ts': "property({ id: 'P1' })",
    },
    fires: /^docs\/a\.md: test\/a\.property\.ts holds no test "P2"[^\n]*$/,
  },
  {
    rule: tests,
    name: 'a file that is gone',
    files: { 'docs/a.md': 'Seen by "holds" (`test/a.test.ts`).' },
    fires: /names a test in test\/a\.test\.ts, which does not exist/,
  },
  {
    rule: tests,
    name: 'names that are there',
    files: {
      'docs/a.md': 'Seen by "holds", rule "silence" (`test/a.test.ts`), and by `test/b.ts`.',
      'test/a.test.ts': "it('holds', () => {}) // rule 'silence'",
    },
    fires: null,
  },
  {
    rule: paths,
    name: 'a file that is gone, by the end of its path',
    files: { 'AGENTS.md': 'It begins\nin `calls/run.ts`.', 'src/calls/runner.ts': '' },
    fires: /^AGENTS\.md:2: names calls\/run\.ts, which does not exist[^\n]*$/,
  },
  {
    rule: paths,
    name: 'a bare name, and one that ends in another',
    files: { 'docs/a.md': 'See `run.ts`.', 'src/calls/overrun.ts': '' },
    fires: /names run\.ts/,
  },
  {
    rule: paths,
    name: 'a command and a drawing',
    files: {
      'docs/a.md': '`vitest run src/gone.test.ts`\n```\n ─▶ kept (calls/gone.ts)\n```',
      'src/calls/run.ts': '',
    },
    fires: /src\/gone\.test\.ts.*\n.*calls\/gone\.ts/,
  },
  {
    rule: paths,
    name: 'a folder, and a pattern that nothing fits',
    files: { 'docs/a.md': '`test/gone` and `test/faults/*-rules.ts`', 'test/faults/rule.ts': '' },
    fires: /names test\/gone,.*\n.*names test\/faults\/\*-rules\.ts,/,
  },
  {
    rule: paths,
    name: 'a link',
    files: { 'docs/decisions/a.md': '[why](../keys.md#teams)', 'keys.md': '' },
    fires: /^docs\/decisions\/a\.md:1: links to \.\.\/keys\.md, which does not exist\.$/,
  },
  {
    rule: paths,
    name: 'what is there, what a run makes, and what is no path of ours',
    files: {
      'docs/a.md': [
        '`calls/run.ts`, `run.ts`, `test/*-rules.ts`, `tools/<tool>.ts`, `src/calls/`, [b](b.md), [c](../src), (calls/run.ts)',
        '`dist/src/main.js`, `test/mutation/.cache/`, `exai.yaml`, `tools/call`, `roots/list`, `@scope/name`, `/mcp`',
        'https://example.org/a/b.js, [home](https://example.org/), `/path/to/bin/exai.js`, `path: "docs/spec.pdf"`',
      ].join('\n'),
      'docs/b.md': '',
      'src/calls/run.ts': '',
      'src/tools/chat.ts': '',
      'test/wire-rules.ts': '',
    },
    fires: null,
  },
]
