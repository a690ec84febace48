// Documents end to end: real PDFs on a real disk, read in workers, quoted by the extractive provider with their pages, while
// hostile files and greedy callers do their worst. Ends with no worker, timer, upload or handle left.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { deflateSync } from 'node:zlib'
import PDFDocument from 'pdfkit'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createDocuments, type Documents } from '../../src/documents/documents.ts'
import { createExtractor, type Extractor, type ExtractorOptions } from '../../src/documents/extract.ts'
import { createRoots } from '../../src/documents/roots.ts'
import { createUploads, type Uploads } from '../../src/documents/uploads.ts'
import type { DocumentText } from '../../src/domain/document-text.ts'
import type { Identity } from '../../src/domain/identity.ts'
import { type ClientId, localPrincipal, type PrincipalName } from '../../src/domain/ids.ts'
import { isRefusal } from '../../src/domain/refusal.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLocalProvider, type LocalProvider } from '../../src/providers/local.ts'
import { nothingLeftOpen, openHandles } from '../support/leftovers.ts'

const pageCount = 300
const markOf = (page: number): string => `MARK${(page * 7919) % 99_991}X`
const never = new AbortController().signal

let home: string
let extractor: Extractor
let uploads: Uploads
let documents: Documents
let local: LocalProvider
let handles: ReadonlyMap<string, number>

async function start(options: Partial<ExtractorOptions> = {}): Promise<void> {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'documents-')))
  mkdirSync(join(home, 'one'))
  mkdirSync(join(home, 'two'))
  extractor = createExtractor({ clock: systemClock, ...options })
  uploads = await createUploads({ dir: join(home, 'uploads'), clock: systemClock })
  documents = createDocuments({ extractor, uploads, roots: createRoots({ homeDir: home, configured: [] }) })
  local = createLocalProvider({ clock: systemClock })
}

async function stop(): Promise<void> {
  await Promise.all([extractor.destroy(), local.destroy()])
  uploads.destroy()
  expect(extractor.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
  expect(local.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
  expect(uploads.inspect()).toMatchObject({ receiving: 0, timers: 0 })
  rmSync(home, { recursive: true })
}

beforeEach(async () => {
  handles = openHandles()
  await start()
})
afterEach(async () => {
  await stop()
  await nothingLeftOpen(handles)
})

function window(name: 'one' | 'two'): Identity {
  const client = `window-${name}` as ClientId
  return { team: null, principal: localPrincipal, client, label: name, root: join(home, name), isLocal: true }
}

const open = (name: 'one' | 'two', path: string): Promise<DocumentText> =>
  documents.open({ path }, window(name), [], never)

function longPdf(): Promise<Buffer> {
  return new Promise((resolve) => {
    const pdf = new PDFDocument({ autoFirstPage: false })
    const chunks: Buffer[] = []
    pdf.on('data', (chunk: Buffer) => chunks.push(chunk))
    pdf.on('end', () => resolve(Buffer.concat(chunks)))
    for (let page = 1; page <= pageCount; page++) {
      pdf.addPage().text(`Section ${page}. ${'The usual words of a long report stand here. '.repeat(30)}`)
      pdf.text(`The inventory number of hall ${page} is ${markOf(page)}.`)
    }
    pdf.end()
  })
}

/** A PDF whose one page inflates to `mebibytes`: deflate over run lengths, a few kilobytes in all. */
function bombPdf(mebibytes: number): Buffer {
  const runs = Buffer.alloc((mebibytes * 1024 * 1024) / 64)
  for (let at = 0; at < runs.length; at += 2) runs.writeUInt16BE(0x8120, at)
  const packed = deflateSync(runs)
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<<>>>>',
  ].map((body, index) => `${index + 1} 0 obj${body}endobj\n`)
  const stream = `4 0 obj<</Length ${packed.length}/Filter[/FlateDecode/RunLengthDecode]>>stream\n`
  return Buffer.concat([
    Buffer.from(`%PDF-1.7\n${objects.join('')}${stream}`),
    packed,
    Buffer.from('\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF'),
  ])
}

async function quoted(text: DocumentText, question: string): Promise<string> {
  const messages = [{ role: 'user', content: question }] as const
  const job = {
    kind: 'generate',
    model: 'extractive',
    task: 'answer',
    messages,
    outputTokensMax: 1_000,
  } as const
  let answer = ''
  const attempt = { apiKey: null, signal: never, requestId: 'r' }
  for await (const part of local.run({ ...job, documents: [text] }, attempt)) {
    if (part.type === 'text-delta') answer += part.text
  }
  return answer
}

it('reads 300 pages beside the event loop, every mark on its page, and quotes with the right page', async () => {
  writeFileSync(join(home, 'one', 'long.pdf'), await longPdf())
  writeFileSync(join(home, 'two', 'note.html'), '<p>A short note of the other window.</p>')
  writeFileSync(join(home, 'two', 'note.md'), '# A note')
  const lag = monitorEventLoopDelay({ resolution: 5 })
  lag.enable()
  const order: string[] = []
  const [text] = await Promise.all([
    open('one', 'long.pdf').finally(() => order.push('long')),
    open('two', 'note.html').finally(() => order.push('html')),
    open('two', 'note.md').finally(() => order.push('markdown')),
  ])
  lag.disable()
  console.info(
    `300 pages: longest event loop delay ${Math.round(lag.max / 1e6)} ms, order ${order.join(', ')}`,
  )
  expect(order).toEqual(['markdown', 'html', 'long'])
  expect(text).toMatchObject({ name: 'long.pdf', format: 'pdf', pages: pageCount, isCut: false })
  expect(text.passages.map(({ page }) => page)).toEqual(
    Array.from({ length: pageCount }, (_, index) => index + 1),
  )
  for (const passage of text.passages) {
    expect(passage.text.match(/MARK\d+X/g)).toEqual([markOf(passage.page ?? 0)])
  }
  for (const page of [1, 42, 299]) {
    const answer = await quoted(text, `Where does ${markOf(page)} stand?`)
    expect(answer).toMatch(new RegExp(`^[^>]*> "[^"]*${markOf(page)}[^"]*" \\(page ${page}\\)`))
  }
  expect(await quoted(text, 'What is the inventory number of hall 137?')).toContain(
    `${markOf(137)}." (page 137)`,
  )
})

it('lets a hostile PDF cost its sender alone', async () => {
  await stop()
  await start({ memoryMiBMax: 64 })
  const bomb = bombPdf(512)
  expect(bomb.length).toBeLessThan(100_000)
  writeFileSync(join(home, 'one', 'bomb.pdf'), bomb)
  writeFileSync(join(home, 'two', 'good.html'), '<p>good</p>')
  const before = process.memoryUsage().rss
  const hostile = open('one', 'bomb.pdf').then(
    () => expect.fail('the bomb was read'),
    (error: unknown) => error,
  )
  const hostileToo = open('one', 'bomb.pdf').catch((error: unknown) => error)
  expect((await open('two', 'good.html')).passages[0]?.text).toBe('good')
  for (const error of [await hostile, await hostileToo]) {
    expect(error).toMatchObject({ code: 'document-unreadable' })
    expect(String(error)).toMatch(/needs more than the 64 MiB of memory/)
  }
  console.info(
    `after two bombs: ${Math.round((process.memoryUsage().rss - before) / 1024 / 1024)} MiB more than before`,
  )
  writeFileSync(join(home, 'one', 'next.html'), '<p>next</p>')
  expect((await open('one', 'next.html')).passages[0]?.text).toBe('next')
})

it('opens uploads for their principal alone, and wants exactly one source', async () => {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('uploaded words')
  }
  const kept = await uploads.save(localPrincipal, { name: 'a.md', bytesExpected: null }, body(), never)
  if (isRefusal(kept)) throw new Error(kept.message)
  const text = await documents.open({ file: kept.handle }, window('one'), [], never)
  expect(text).toMatchObject({
    name: 'a.md',
    format: 'markdown',
    passages: [{ page: null, text: 'uploaded words' }],
  })
  const stranger = { ...window('one'), principal: 'stranger' as PrincipalName }
  await expect(documents.open({ file: kept.handle }, stranger, [], never)).rejects.toMatchObject({
    code: 'not-found',
  })
  for (const source of [{}, { path: 'a', text: 'b' }, { path: 'a', file: 'b', text: 'c' }, { text: ' ' }]) {
    await expect(documents.open(source, window('one'), [], never)).rejects.toMatchObject({
      code: 'bad-request',
    })
  }
  expect((await documents.open({ text: 'inline' }, stranger, [], never)).passages[0]?.text).toBe('inline')
})

it("keeps one window out of another's folder, and both out of the uploads", async () => {
  writeFileSync(join(home, 'two', 'plan.md'), 'plan')
  await expect(open('one', join(home, 'two', 'plan.md'))).rejects.toMatchObject({ code: 'path-not-allowed' })
  await expect(open('one', '../two/plan.md')).rejects.toMatchObject({ code: 'path-not-allowed' })
  await expect(open('one', '../uploads')).rejects.toMatchObject({ code: 'path-not-allowed' })
  expect((await open('two', 'plan.md')).passages[0]?.text).toBe('plan')
})
