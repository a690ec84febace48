// Planted faults for the rule about planted faults: sabotages that have gone blind, and some that see.

import type { Plant } from './plant.ts'

const rule = 'every planted text stands once in the file it is planted in'
const source = { 'src/calls/run.ts': "permit.release()\nsay('twice')\nsay('twice')\n" }
const mutant = (file: string, place: string): string =>
  `[\n  {\n    ${file}\n    ${place}\n    replace: '',\n  },\n]`
const missing = /stands 0 times in src\/calls\/run\.ts, expected once: "permit\.keep\(\)"/
const unreadable = /: a plant that cannot be read\. Write the file, and right after it/

/** Plants that find nothing, or too much, and plants that are as they should be. */
export const plantedTextPlants: readonly Plant[] = [
  {
    rule,
    name: 'a mutant whose text is gone',
    files: { ...source, 'test/a.property.ts': mutant("file: 'calls/run.ts',", "find: 'permit.keep()',") },
    fires: new RegExp(`^test/a\\.property\\.ts:4: .*${missing.source}`),
  },
  {
    rule,
    name: 'a mutant whose text stands twice',
    files: { ...source, 'test/a.property.ts': mutant("file: 'calls/run.ts',", 'find: "say(\'twice\')",') },
    fires: /stands 2 times in src\/calls\/run\.ts/,
  },
  {
    rule,
    name: 'a mutant of a file that is gone',
    files: { ...source, 'test/a.property.ts': mutant("file: 'calls/walk.ts',", "find: 'permit',") },
    fires: /plants a fault in src\/calls\/walk\.ts, which does not exist/,
  },
  ...['find: text,', 'find: `permit.$' + '{verb}()`,', "find: '\\x70ermit.release()',"].map((place) => ({
    rule,
    name: `a mutant that nobody can read: ${place}`,
    files: { ...source, 'test/a.property.ts': mutant("file: 'calls/run.ts',", place) },
    fires: unreadable,
  })),
  {
    rule,
    name: 'a mutant whose file stands elsewhere',
    files: { ...source, 'test/a.property.ts': mutant('file,', "find: 'permit.release()',") },
    fires: unreadable,
  },
  ...['/src/calls/run.ts', '/dist/src/calls/run.js'].map((file) => ({
    rule,
    name: `a plant in ${file} whose text is gone`,
    files: { ...source, 'test/plants/a.ts': `plantFault(\n  '${file}',\n  'permit.keep()',\n  '',\n)` },
    fires: missing,
  })),
  {
    rule,
    name: 'a plant whose text is made',
    files: { ...source, 'test/plants/a.ts': "plantFault('/src/calls/run.ts', placeOf(it), '')" },
    fires: unreadable,
  },
  {
    rule,
    name: 'plants that find their text, whatever it is written as',
    files: {
      ...source,
      'test/a.property.ts': mutant("file: 'calls/run.ts',", "find: 'permit.release()\\nsay(\\'twice\\')',"),
      'test/b.property.ts': mutant("file: 'calls/run.ts',", "find: `permit.release()\nsay('twice')`,"),
      'test/plants/a.ts':
        "plantFault('/src/calls/run.ts', \"release()\", '')\nplantFault(\n  '/dist/src/calls/run.js', // built\n  'permit',\n  '',\n)",
      'test/kit.ts':
        'export function plantFault(file: string) {}\ninterface M {\n  readonly file: string\n  readonly find: string\n}\nconst x = { find: () => null }',
    },
    fires: null,
  },
]
