// Planted faults in the shape of the tree: ranks, rings, sizes, names and exports.

import type { Plant } from './plant.ts'

const lines = (count: number): string => `// A long file.\n${'const x = 1\n'.repeat(count - 1)}`
const doc = '/** A word that people use. */\n'
const head = '// Opens as it should.\n'
const ranks = 'a file imports its own room and lower rooms only'
const rings = 'no files import each other in a ring'
const small = 'files are small'
const names = 'names say what a thing is'
const docs = 'every file and every export says what it is'
const forms = 'exports are named, at their declaration, and never through a hub'
const accessors = 'accessors stand in classes'

/** Faults that the rules of shape must see. */
export const shapePlants: readonly Plant[] = [
  {
    rule: ranks,
    name: 'up',
    files: { 'src/lib/a.ts': "import { b } from '../calls/run.ts'" },
    fires: /calls stands above lib/,
  },
  {
    rule: ranks,
    name: 'up, as a type',
    files: { 'src/tools/a.ts': "import type { B } from '../surfaces/mcp/b.ts'" },
    fires: /surfaces\/mcp stands above tools/,
  },
  {
    rule: ranks,
    name: 'up, in a type position',
    files: { 'src/domain/a.ts': "export type A = import('../calls/call.ts').Call" },
    fires: /calls stands above domain/,
  },
  {
    rule: ranks,
    name: 'up, on several lines',
    files: { 'src/streams/a.ts': "import {\n  one,\n  two,\n} from '../store/b.ts'" },
    fires: /store stands above streams/,
  },
  {
    rule: ranks,
    name: 'up, on demand',
    files: { 'src/calls/a.ts': "const b = await import('../server.ts')" },
    fires: /server\.ts stands above calls/,
  },
  {
    rule: ranks,
    name: 'sideways',
    files: { 'src/threads/a.ts': "import { b } from '../documents/b.ts'" },
    fires: /same rank/,
  },
  {
    rule: ranks,
    name: 'one surface from another',
    files: { 'src/surfaces/mcp/a.ts': "import { b } from '../files/b.ts'" },
    fires: /never imports another surface/,
  },
  { rule: ranks, name: 'a room without a rank', files: { 'src/stuff/a.ts': '' }, fires: /has no rank/ },
  {
    rule: ranks,
    name: 'src from the simulator',
    files: { 'src/cli/a.ts': "import { b } from '../../simulator/b.ts'" },
    fires: /outside itself/,
  },
  {
    rule: ranks,
    name: 'a unit test from test/',
    files: { 'src/calls/a.test.ts': "import { b } from '../../test/support/b.ts'" },
    fires: /test\/scenarios/,
  },
  {
    rule: ranks,
    name: 'the simulator from src',
    files: { 'simulator/a.ts': "import { b } from '../src/lib/b.ts'" },
    fires: /stands alone/,
  },
  {
    rule: ranks,
    name: 'down, and its own room',
    files: {
      'src/calls/a.ts': "import { b } from './b.ts'\nimport { c } from '../lib/c.ts'",
      'test/a.ts': "import { c } from '../src/main.ts'",
    },
    fires: null,
  },
  {
    rule: ranks,
    name: 'an import inside a string or a comment is none',
    files: {
      'src/lib/a.ts':
        "const a = \"import { b } from '../calls/run.ts'\"\n// import { b } from '../calls/run.ts'\n",
    },
    fires: null,
  },
  {
    rule: rings,
    name: 'three files',
    files: {
      'src/lib/a.ts': "import './b.ts'",
      'src/lib/b.ts': "import './c.ts'",
      'src/lib/c.ts': "import type { A } from './a.ts'",
    },
    fires: /a\.ts -> src\/lib\/b\.ts -> src\/lib\/c\.ts -> src\/lib\/a\.ts/,
  },
  {
    rule: rings,
    name: 'a diamond is no ring',
    files: {
      'src/lib/a.ts': "import './b.ts'\nimport './c.ts'",
      'src/lib/b.ts': "import './d.ts'",
      'src/lib/c.ts': "import './d.ts'",
      'src/lib/d.ts': '',
    },
    fires: null,
  },
  {
    rule: small,
    name: 'one line too many',
    files: { 'src/lib/a.ts': lines(301), 'src/lib/b.ts': '//', 'src/lib/c.ts': '//' },
    fires: /301 lines/,
  },
  {
    rule: small,
    name: 'the median',
    files: { 'src/lib/a.ts': lines(121), 'src/lib/b.ts': lines(121), 'src/lib/c.ts': '//' },
    fires: /median source file has 121/,
  },
  {
    rule: small,
    name: 'as large as may be',
    files: {
      'src/lib/a.ts': lines(300),
      'src/lib/b.ts': lines(120),
      'src/lib/c.ts': '//',
      'src/lib/a.test.ts': lines(900),
    },
    fires: null,
  },
  {
    rule: names,
    name: 'a file',
    files: { 'src/calls/call-manager.ts': '' },
    fires: /"manager" says nothing/,
  },
  { rule: names, name: 'a folder', files: { 'src/lib/utils/a.ts': '' }, fires: /"utils" says nothing/ },
  {
    rule: names,
    name: 'an exported thing',
    files: { 'src/lib/a.ts': 'export class EnhancedQueue {}' },
    fires: /EnhancedQueue holds "enhanced"/,
  },
  { rule: names, name: 'case', files: { 'src/lib/fairQueue.ts': '' }, fires: /kebab-case/ },
  {
    rule: names,
    name: 'an index that is no registry',
    files: { 'src/tools/index.ts': 'export const tools = []' },
    fires: /only where it is a registry/,
  },
  {
    rule: names,
    name: 'a registry',
    files: { 'src/tools/index.ts': 'export const toolRegistry = []' },
    fires: null,
  },
  {
    rule: docs,
    name: 'an export',
    files: { 'src/lib/a.ts': `${head}export function a(): void {}` },
    fires: /a\.ts:2: the exported function a has no doc comment/,
  },
  {
    rule: docs,
    name: 'a plain comment is no doc comment',
    files: { 'src/lib/a.ts': `${head}// What it is, in a sentence.\nexport const a = 1` },
    fires: /exported const a/,
  },
  {
    rule: docs,
    name: 'an empty doc comment',
    files: { 'src/lib/a.ts': `${head}/** a */\nexport type A = 1` },
    fires: /exported type A/,
  },
  {
    rule: docs,
    name: 'no opening',
    files: { 'src/lib/a.ts': "import 'node:fs'" },
    fires: /opens without a comment/,
  },
  {
    rule: docs,
    name: 'as it should be',
    files: {
      'src/lib/a.ts': `${head}\n${doc}export async function a(): Promise<void> {}\n${doc}export function b(x: 1): void\nexport function b(x: 2): void\n`,
    },
    fires: null,
  },
  {
    rule: forms,
    name: 'default',
    files: { 'src/lib/a.ts': 'export default function a() {}' },
    fires: /default export/,
  },
  {
    rule: forms,
    name: 'default by list',
    files: { 'src/lib/a.ts': 'const a = 1\nexport { a as default }' },
    fires: /default export/,
  },
  {
    rule: forms,
    name: 'everything',
    files: { 'src/lib/a.ts': "export * from './b.ts'" },
    fires: /exports everything/,
  },
  {
    rule: forms,
    name: 'a hub',
    files: { 'src/lib/a.ts': "// A hub.\nexport { b } from './b.ts'\nexport type { C } from './c.ts'\n" },
    fires: /only passes on/,
  },
  {
    rule: forms,
    name: 'a list',
    files: { 'src/lib/a.ts': 'const a = 1\nexport { a }' },
    fires: /export list/,
  },
  {
    rule: accessors,
    name: 'a getter in a literal',
    files: { 'src/calls/a.ts': 'const a = () => ({\n  get left() {\n    return 1\n  },\n})' },
    fires: /a\.ts:2: the accessor get left\(\) in an object literal/,
  },
  {
    rule: accessors,
    name: 'a setter in a literal',
    files: { 'src/calls/a.ts': 'const a = { set left(to: number) {} }' },
    fires: /accessor set left\(/,
  },
  {
    rule: accessors,
    name: 'names of every kind',
    files: {
      'src/calls/a.ts': "const a = { get 'a-b'() { return 1 } }\nconst b = { get [c.d]() { return 1 } }",
    },
    fires: /get 'a-b'\([\s\S]*get \[c\.d\]\(/,
  },
  {
    rule: accessors,
    name: 'a literal made in a method, after a property named class',
    files: {
      'src/calls/a.ts':
        'class A {\n  b() {\n    return { class: c.class, d: { get e() { return 1 } } }\n  }\n}',
    },
    fires: /a\.ts:3: the accessor get e\(/,
  },
  {
    rule: accessors,
    name: 'a literal after a class',
    files: { 'src/calls/a.ts': 'class A {}\nconst b = {\n  get c() { return 1 },\n}' },
    fires: /a\.ts:3/,
  },
  {
    rule: accessors,
    name: 'classes, methods named get, and words',
    files: {
      'src/calls/a.ts':
        '// { get left() {} }\nexport class A<B> extends C implements D<B>, E {\n  #f() { return {} }\n  get #left() { return 1 }\n  static set right(to: number) {}\n}\nconst b = class { get left() { return 1 } }\nconst c = { get(key: string) {}, async set(key: string) {}, d: "get left()" }\ninterface F { get left(): number }',
    },
    fires: null,
  },
]
