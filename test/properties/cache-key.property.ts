// C3 and C4: who shares an answer, and what its name depends on.

import type { CacheSubject } from '../../src/cache/cache-key.ts'

import type { GenerateJob } from '../../src/providers/provider.ts'
import { holds, type Property, property, room } from './kit.ts'

const keys = room<typeof import('../../src/cache/cache-key.ts')>('cache/cache-key.ts')
const dice = room<typeof import('../../src/lib/random.ts')>('lib/random.ts')

const job: GenerateJob = {
  kind: 'generate',
  model: 'glm-5.2',
  task: 'chat',
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'image', mediaType: 'image/png', base64: 'AAAA' }] },
    { role: 'user', content: 'What is it?' },
  ],
  documents: [
    { name: 'a.md', format: 'text', pages: null, passages: [{ page: null, text: 'x' }], isCut: false },
  ],
  tools: [
    { name: 'f', description: 'd', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
  ],
  outputTokensMax: 100,
  temperature: 0,
  thinking: 'off',
  effort: 'low',
  json: false,
}
const subject: CacheSubject = {
  namespace: 'principal ada',
  provider: 'glm',
  endpoint: 'https://a',
  model: 'glm-5.2',
  adapterVersion: '1',
  job,
}

// Every leaf of a value, as a path; and the value with the leaf at a path changed.
function leaves(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return Object.entries(value).flatMap(([name, member]) => leaves(member, [...path, name]))
}
function changed(value: unknown, path: readonly string[]): unknown {
  const [name, ...rest] = path
  if (name === undefined) return typeof value === 'number' ? value + 1 : `${String(value)}!`
  const members = value as Record<string, unknown>
  const next = changed(members[name], rest)
  return Array.isArray(value)
    ? value.map((each, index) => (String(index) === name ? next : each))
    : { ...members, [name]: next }
}
// The same value with the members of every object in the order of the dice.
function shuffled(value: unknown, random: () => number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => shuffled(each, random))
  const members = Object.entries(value).map(([name, member]) => [name, shuffled(member, random)] as const)
  return Object.fromEntries(
    members
      .map((member) => ({ member, at: random() }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member),
  )
}

/** What keys of answers promise. */
export const properties: readonly Property[] = [
  property({
    id: 'C3',
    says: 'callers of different namespaces never share an answer',
    mutants: [
      {
        file: 'cache/cache-key.ts',
        find: '[schemaVersion, namespace, provider',
        replace: '[schemaVersion, provider',
      },
      {
        file: 'cache/cache-key.ts',
        find: "return identity.client === null ? null : JSON.stringify(['client', identity.principal, identity.client])",
        replace: 'return identity.principal + identity.client',
      },
    ],
    async check(rooms, seed) {
      const { cacheKey, cacheNamespace } = await rooms.load(keys)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const among = <Each>(all: readonly [Each, ...Each[]]): Each =>
        all[Math.floor(random() * all.length)] ?? all[0]
      const names = ['a', 'b', 'ab', 'aa', 'null', '', '"', ',', '","', 'team', 'principal', '\n'] as const
      const draw = () => ({
        team: random() < 0.5 ? null : among(names),
        principal: among(names),
        client: random() < 0.2 ? null : among(names),
      })
      type Who = ReturnType<typeof draw>
      const toIdentity = (each: Who) =>
        ({ ...each, label: '', root: null, isLocal: true }) as unknown as Parameters<typeof cacheNamespace>[0]
      // What may be shared at all: the same team under `team`, the same principal, the same client of it.
      const mayShare = (a: Who, b: Who, scope: 'client' | 'principal' | 'team'): boolean => {
        if (scope === 'team' && (a.team !== null || b.team !== null)) return a.team === b.team
        if (a.principal !== b.principal) return false
        return scope !== 'client' || (a.client !== null && a.client === b.client)
      }
      const known = new Map<string, string | null>()
      const keyOf = (namespace: string): string | null => {
        if (!known.has(namespace)) known.set(namespace, cacheKey({ ...subject, namespace }))
        return known.get(namespace) ?? null
      }
      for (let pair = 0; pair < 100_000; pair++) {
        const a = draw()
        const b = draw()
        const scope = among(['client', 'principal', 'team'] as const)
        const one = cacheNamespace(toIdentity(a), scope)
        const two = cacheNamespace(toIdentity(b), scope)
        if (one === null || two === null) continue
        const isShared = keyOf(one) === keyOf(two)
        holds(isShared === mayShare(a, b, scope), `${one} and ${two} under ${scope}: shared is ${isShared}`)
      }
    },
  }),
  property({
    id: 'C4',
    says: 'a key does not know the order of members, and changes with every field that means something',
    mutants: [
      { file: 'cache/cache-key.ts', find: '.sort(([a], [b]) => (a < b ? -1 : 1))', replace: '' },
      {
        file: 'cache/cache-key.ts',
        find: '.filter(([, member]) => member !== undefined)',
        replace: ".filter(([name, member]) => member !== undefined && name !== 'documents')",
      },
      { file: 'cache/cache-key.ts', find: "hash.update('],')", replace: '' },
    ],
    async check(rooms, seed) {
      const { cacheKey } = await rooms.load(keys)
      const { createSeededRandom } = await rooms.load(dice)
      const random = createSeededRandom(seed)
      const key = cacheKey(subject)
      holds(key !== null && /^[0-9a-f]{64}$/.test(key), 'a key is a SHA-256')
      for (let i = 0; i < 50; i++) {
        holds(
          cacheKey(shuffled(subject, random) as CacheSubject) === key,
          'the order of members changed the key',
        )
      }
      const seen = new Map<string, string>([[key, 'nothing']])
      for (const path of leaves(subject)) {
        const other = cacheKey(changed(subject, path) as CacheSubject) ?? ''
        const twin = seen.get(other)
        holds(twin === undefined, `a change of ${path.join('.')} gives the key of a change of ${twin}`)
        seen.set(other, path.join('.'))
      }
      for (const name of Object.keys(job) as (keyof GenerateJob)[]) {
        const { [name]: _, ...rest } = job
        const other = cacheKey({ ...subject, job: rest as GenerateJob })
        holds(other !== key, `a job without ${name} has the same key`)
      }
      // Where one list ends and the next begins.
      const nested = (value: unknown) =>
        cacheKey({ ...subject, job: { ...job, documents: value } as GenerateJob })
      const shapes: unknown[] = [
        [],
        [[]],
        [[], []],
        [[[]]],
        {},
        [{}],
        { a: [] },
        [1, 2],
        [12],
        [[1], 2],
        [[1, 2]],
        '[]',
      ]
      holds(new Set(shapes.map(nested)).size === shapes.length, 'two shapes have one key')
      const bytes = (...values: number[]) =>
        cacheKey({ ...subject, job: { kind: 'extract', filename: 'f', bytes: Uint8Array.from(values) } })
      holds(bytes(1, 2) !== bytes(1, 3), 'bytes count')
    },
  }),
]
