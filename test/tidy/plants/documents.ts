// Planted faults for the rules about what documents say of the tests.

import type { Plant } from './plant.ts'

const tests = 'every test that a document names is there'

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
]
