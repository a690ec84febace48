// Ten windows through three doors at one server, all five jobs at once, equal request ids: every secret mark comes back to
// its own window and to no other. The same check, run on a server that swaps answers, must fail.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import PDFDocument from 'pdfkit'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CallRunner } from '../../src/calls/run.ts'
import { type ServerFixture, withServer } from '../support/server-fixture.ts'
import type { Window, WindowAnswer, WindowDoor } from '../support/window-call.ts'

const doors: readonly WindowDoor[] = [
  ...Array<WindowDoor>(5).fill('modern'),
  ...Array<WindowDoor>(3).fill('legacy'),
  ...Array<WindowDoor>(2).fill('websocket'),
]
const markOf = (index: number): string => `SECRET-${(index + 1) * 7919}-QX`

const options = {
  yaml: `
providers: { glm: { concurrency: 32 }, kimi: { concurrency: 32 } }
limits:
  client: { requestsPerMinute: 600, burst: 100, concurrency: 16 }
  principal: { requestsPerMinute: 6000, burst: 1000, concurrency: 200 }
`,
  simulator: {
    glm: { serviceMs: 60, concurrency: 64 },
    kimi: { serviceMs: 60, concurrency: 64 },
  },
}

afterEach(() => vi.restoreAllMocks())

function pdfWith(mark: string): Promise<Buffer> {
  return new Promise((resolve) => {
    const pdf = new PDFDocument()
    const chunks: Buffer[] = []
    pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
    pdf.on('end', () => resolve(Buffer.concat(chunks)))
    pdf.text('Nothing much happened in this quarter.')
    pdf.addPage().text(`The code word of this report is ${mark}. It is known to its readers alone.`)
    pdf.end()
  })
}

interface Seen {
  readonly window: string
  readonly mark: string
  readonly answers: Readonly<Record<string, WindowAnswer>>
}

/** Opens window `index`, gives it a folder with a PDF, uploads another copy, and runs all jobs at once. */
async function play(server: ServerFixture, index: number): Promise<Seen> {
  const door = doors[index] ?? 'modern'
  const name = `window-${index}-${door}`
  const mark = markOf(index)
  const root = join(server.home, name)
  mkdirSync(root)
  const pdf = await pdfWith(mark)
  writeFileSync(join(root, 'report.pdf'), pdf)
  const window = await server.window(door, name, { root })
  const upload = await server.plain('POST', '/files?name=minutes.pdf', {
    headers: { 'x-exai-client': `${name}-upload` },
    body: pdf,
  })
  const { file } = JSON.parse(upload.text) as { file: string }
  const question = 'Which code word does the report give?'
  const jobs: Readonly<Record<string, Promise<WindowAnswer>>> = {
    search: window.ask('web_search', { query: `release notes ${mark}`, count: 3 }),
    path: window.ask('analyze_document', { path: join(root, 'report.pdf'), question }),
    relative: window.ask('analyze_document', { path: 'report.pdf', question }),
    upload: window.ask('analyze_document', { file, question }),
    review: window.ask('codereview', { text: `// ${mark}\nfunction add(a, b) { return a - b }` }),
    summary: window.ask('summarize', {
      text: `The minutes. We agreed on the code word ${mark}. We meet again.`,
    }),
    chat: remembered(window, mark),
  }
  const names = Object.keys(jobs)
  const answers = await Promise.all(Object.values(jobs))
  return {
    window: name,
    mark,
    answers: Object.fromEntries(names.map((job, at) => [job, answers[at] as WindowAnswer])),
  }
}

/** Two turns: the mark is said in the first alone, and asked for in the second. */
async function remembered(window: Window, mark: string): Promise<WindowAnswer> {
  const first = await window.ask('chat', { prompt: `Remember the word ${mark}.` })
  const continuation_id = String(first.meta['exai/continuation_id'])
  const second = await window.ask('chat', { prompt: `Once more: ${mark}`, continuation_id })
  return { ...second, text: `${first.text}\n${second.text}` }
}

/** Throws unless every answer holds its own mark and nobody else's. */
function checkMarks(seen: readonly Seen[]): void {
  const wrong = seen.flatMap(({ window, mark, answers }) =>
    Object.entries(answers).flatMap(([job, { isError, text }]) => [
      ...(isError ? [`${window} ${job} failed: ${text.slice(0, 200)}`] : []),
      ...(text.includes(mark) ? [] : [`${window} ${job} lacks its own mark`]),
      ...seen
        .filter((other) => other.mark !== mark && text.includes(other.mark))
        .map((other) => `${window} ${job} saw the mark of ${other.window}`),
    ]),
  )
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}

describe('ten windows at once', () => {
  test('each gets its own answers to all its jobs, and is one client', async () => {
    await withServer(options, async (server) => {
      const seen = await Promise.all(doors.map((_, index) => play(server, index)))
      checkMarks(seen)
      const labels = server.inspect().mcp.clients.map(({ label }) => label)
      // A stateless window is a client while it calls; the others are while they are connected.
      expect(labels.filter((label) => !label.includes('modern')).sort()).toEqual(
        seen
          .map(({ window }) => window)
          .filter((name) => !name.includes('modern'))
          .sort(),
      )
      const counted = server
        .inspect()
        .clients.filter(({ label }) => seen.some(({ window }) => window === label))
      expect(counted).toHaveLength(doors.length)
      for (const client of counted)
        expect(client).toMatchObject({ principal: 'local', calls: 8, inFlight: 0 })
      expect(new Set(counted.map(({ client }) => client)).size).toBe(doors.length)
      const { failed, refused, abandoned } = server.inspect().calls
      expect({ failed, refused, abandoned }).toEqual({ failed: {}, refused: {}, abandoned: 0 })
    })
  })

  test('a server that swaps two answers is found out', async () => {
    const { run } = CallRunner.prototype
    const last = new Map<string, unknown>()
    vi.spyOn(CallRunner.prototype, 'run').mockImplementation(async function swapped(
      this: CallRunner,
      call,
      work,
    ) {
      const outcome = await run.call(this, call, work)
      if (outcome.kind !== 'done' || call.door === 'files') return outcome as never
      const foreign = last.get(call.name) ?? outcome.value
      last.set(call.name, outcome.value)
      return { kind: 'done', value: foreign } as never
    })
    await withServer(options, async (server) => {
      const seen = await Promise.all([0, 5, 8].map((index) => play(server, index)))
      expect(() => checkMarks(seen)).toThrow(/saw the mark of window-/)
    })
  })
})

describe('what is not a window’s own', () => {
  test('the folder of another window is closed to it, through every door', async () => {
    await withServer(options, async (server) => {
      for (const name of ['mine', 'theirs']) mkdirSync(join(server.home, name))
      const theirs = join(server.home, 'theirs', 'notes.md')
      writeFileSync(theirs, `The code word is ${markOf(0)}.`)
      for (const door of ['modern', 'legacy', 'websocket'] as const) {
        const window = await server.window(door, `window-${door}`, { root: join(server.home, 'mine') })
        for (const path of [theirs, '../theirs/notes.md']) {
          const answer = await window.ask('summarize', { path })
          expect(answer).toMatchObject({
            isError: true,
            meta: { 'exai/failure': { code: 'path-not-allowed' } },
          })
          expect(answer.text).not.toContain(markOf(0))
        }
      }
      expect(server.simulator.stats().kimi.requests).toEqual({})
    })
  })

  test('an unknown handle and an unknown thread are told in a sentence; a thread is shared inside its principal', async () => {
    await withServer(options, async (server) => {
      const one = await server.window('modern', 'window-one')
      const two = await server.window('websocket', 'window-two')
      const file = await one.ask('summarize', { file: 'file-nobody-has-this-one' })
      expect(file).toMatchObject({ isError: true, meta: { 'exai/failure': { code: 'not-found' } } })
      const thread = await one.ask('chat', { prompt: 'Go on.', continuation_id: 'no-such-thread' })
      expect(thread).toMatchObject({ isError: true, meta: { 'exai/failure': { code: 'not-found' } } })
      const first = await one.ask('chat', { prompt: 'We speak of marmots.' })
      const second = await two.ask('chat', {
        prompt: 'And what do they eat?',
        continuation_id: first.meta['exai/continuation_id'],
      })
      expect(second).toMatchObject({ isError: false })
      expect(second.meta['exai/continuation_id']).toBe(first.meta['exai/continuation_id'])
      expect(server.simulator.stats().glm.requests).toEqual({ chat: 2 })
    })
  })
})
