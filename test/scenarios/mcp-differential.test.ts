// The same bytes to our server and to the official one: some thousand requests of both eras, right or spoiled, get the same HTTP
// status, the same JSON-RPC code, the id that was sent, and a result that says or lists the same from both, in the same form: content type,
// members, and what a client acts on. Where they do not, `mcp-differences.json` says why; a line of it that no request needs any more has to go.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DifferentialCase, differentialCases } from '../support/differential-cases.ts'
import { official, oursOffers } from '../support/differential-fixture.ts'
import { type DifferentialOutcome, outcomeOf, type Send } from '../support/differential-outcome.ts'
import { type McpComposition, startMcpComposition } from '../support/mcp-composition.ts'
import { initialize } from '../support/mcp-wire.ts'

const doubled = 1_000
const seed = 20_260_728
const cases = differentialCases(seed, doubled)

interface Difference {
  readonly where: string
  readonly ours: string
  readonly theirs: string
  readonly reason: string
}

interface Outcomes {
  readonly label: string
  readonly ours: string
  readonly theirs: string
}

const listed = JSON.parse(
  readFileSync(new URL('./mcp-differences.json', import.meta.url), 'utf8'),
) as readonly Difference[]

let ours: McpComposition
// One for each lane: in a session two requests with the same id must not be under way at the same time.
let sessions: readonly string[]
const outcomes: Outcomes[] = []
const toThem: Send = (url, init) => official.fetch(new Request(url, init))

/** Both outcomes as they are compared. Everything else says nothing where the answers are of two kinds; whose id is missing is no other kind. */
function compared(label: string, mine: DifferentialOutcome, other: DifferentialOutcome): readonly Outcomes[] {
  const answers = { label, ours: mine.answer, theirs: other.answer }
  const kindOf = ({ answer }: DifferentialOutcome): string => answer.replace(/ with(?:out)? id$/, '')
  if (kindOf(mine) !== kindOf(other)) return [answers]
  return [
    answers,
    { label: `head of ${label}`, ours: mine.head, theirs: other.head },
    { label: `form of ${label}`, ours: mine.form, theirs: other.form },
    { label: `life of ${label}`, ours: mine.life, theirs: other.life },
  ]
}

const patterns = new Map<string, RegExp>()

function patternOf(text: string): RegExp {
  const known = patterns.get(text) ?? new RegExp(text)
  patterns.set(text, known)
  return known
}

const isMeant = ({ where, ours, theirs }: Difference, each: Outcomes): boolean =>
  patternOf(where).test(each.label) &&
  patternOf(`^(?:${ours})$`).test(each.ours) &&
  patternOf(`^(?:${theirs})$`).test(each.theirs)

/** Differences that no line explains, and lines that explain none. */
function judge(
  all: readonly Outcomes[],
  list: readonly Difference[],
): { readonly unexplained: readonly Outcomes[]; readonly idle: readonly Difference[] } {
  const used = new Set<Difference>()
  const unexplained = all.filter((each) => {
    if (each.ours === each.theirs) return false
    const line = list.find((one) => isMeant(one, each))
    if (line !== undefined) used.add(line)
    return line === undefined
  })
  return { unexplained, idle: list.filter((line) => !used.has(line)) }
}

beforeAll(async () => {
  ours = await startMcpComposition(oursOffers)
  const opened = await Promise.all(Array.from({ length: 8 }, () => initialize(ours.url)))
  sessions = opened.map(({ id }) => id)
})
afterAll(async () => {
  await official.close()
  await ours.close()
})

test(`${cases.length} requests are answered alike, or a line says why not`, {
  timeout: 600_000,
}, async () => {
  const rest = [...cases]
  const lane = async (sessionId: string): Promise<void> => {
    for (let each = rest.pop(); each !== undefined; each = rest.pop()) {
      const session = each.era === 'legacy' ? sessionId : null
      const [mine, other] = await Promise.all([
        outcomeOf(fetch, ours.url, each, session),
        outcomeOf(toThem, ours.url, each, null),
      ])
      outcomes.push(...compared(each.label, mine, other))
    }
  }
  await Promise.all(sessions.map(lane))
  const { unexplained, idle } = judge(outcomes, listed)
  const others = outcomes.filter((each) => each.ours !== each.theirs).length
  process.stdout.write(
    `differential: ${cases.length} requests, ${outcomes.length} comparisons, ${others} come out otherwise by ${listed.length} listed reasons\n`,
  )
  expect(unexplained).toEqual([])
  expect(idle).toEqual([])
  expect(outcomes.length).toBeGreaterThan(8_000)
  // Were everything refused by both, they would agree as well.
  const taken = outcomes.filter(
    (each) => each.ours === each.theirs && /^200 (?:result|honours) /.test(each.ours),
  )
  expect(taken.length).toBeGreaterThan(500)
})

/** What is seen of one request to a server that answers as `send` does. */
async function differing(send: Send, label: string): Promise<readonly Outcomes[]> {
  const each = cases.find((one) => one.label === label) as DifferentialCase
  const session = each.era === 'legacy' ? (sessions[0] ?? null) : null
  const [mine, other] = await Promise.all([
    outcomeOf(send, ours.url, each, session),
    outcomeOf(toThem, ours.url, each, null),
  ])
  return judge(compared(label, mine, other), listed).unexplained
}

describe('what would be found out', () => {
  test('a line too few', () => {
    for (const line of listed) {
      const others = listed.filter((other) => other !== line)
      expect(judge(outcomes, others).unexplained, line.reason).not.toEqual([])
    }
  })

  test('a line too many', () => {
    const made = { where: '', ours: '418 no code', theirs: '200 result with id', reason: 'Made up.' }
    expect(judge(outcomes, [...listed, made]).idle).toEqual([made])
  })

  test('a server that overlooks a wrong header', async () => {
    const overlooks: Send = (url, init) =>
      fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), 'mcp-name': 'echo' } })
    expect(await differing(overlooks, 'tools/call: mcp-name = other')).toHaveLength(1)
  })

  test('a server that opens a subscription it does not understand', () => {
    const isWrong = ({ label }: Outcomes): boolean =>
      label.includes('params.notifications.toolsListChanged = ')
    const taken = outcomes.filter(isWrong).map((each) => ({ ...each, ours: '200 honours {}' }))
    expect(judge(taken, listed).unexplained.length).toBeGreaterThan(0)
  })

  test('a server that changes what a client acts on: the id, a member, a value, a schema, the content type', async () => {
    const changed =
      (change: (text: string) => string, type?: string): Send =>
      async (url, init) => {
        const response = await fetch(url, init)
        const headers = new Headers(response.headers)
        if (type !== undefined) headers.set('content-type', type)
        const text = await response.text()
        const spoiled = change(text)
        // A plant that changes nothing would show nothing.
        expect(spoiled !== text || type !== undefined, text).toBe(true)
        return new Response(spoiled, { status: response.status, headers })
      }
    const plants: readonly (readonly [what: string, label: string, send: Send])[] = [
      ['a wrong id', 'tools/call: good', changed((text) => text.replace('"id":1', '"id":2'))],
      ['an id as text', '2025 tools/call: good', changed((text) => text.replace('"id":1', '"id":"1"'))],
      [
        'another kind of result',
        'tools/call: good',
        changed((text) => text.replace('"resultType":"complete"', '"resultType":"task"')),
      ],
      ['no kind of result', 'tools/call: good', changed((text) => text.replace('"resultType"', '"kind"'))],
      [
        'a longer life',
        'tools/list: good',
        changed((text) => text.replace(/"ttlMs":\d+/, '"ttlMs":1234567')),
      ],
      [
        'another scope',
        'resources/list: good',
        changed((text) => text.replace('"cacheScope":"', '"cacheScope":"not ')),
      ],
      [
        'a page more',
        '2025 resources/list: good',
        changed((text) => text.replace('"resources":', '"nextCursor":"2","resources":')),
      ],
      [
        'an argument that is not wanted',
        'tools/list: good',
        changed((text) => text.replace('"required":["text"]', '"required":[]')),
      ],
      [
        'an error without its data',
        'resources/read of nobody: good',
        changed((text) => text.replace('"data"', '"date"')),
      ],
      [
        'another content type',
        'tools/call: good',
        changed((text) => text, 'application/json; charset=latin1'),
      ],
    ]
    for (const [what, label, send] of plants) {
      expect(await differing(fetch, label), `${what}: without it`).toEqual([])
      expect(await differing(send, label), what).not.toEqual([])
    }
  })

  test('a server that swaps an answer', () => {
    const swapped = outcomes.map((each) => ({ ...each, ours: each.ours.replace('"hello"', '"hallo"') }))
    expect(judge(swapped, listed).unexplained.length).toBeGreaterThan(0)
  })
})
