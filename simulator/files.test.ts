// Uploaded documents: what is inside a PDF or DOCX really comes out, and each account sees its own files alone.

import { Document, Packer, Paragraph } from 'docx'
import PDFDocument from 'pdfkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { isObject } from './json.ts'
import { createSimulator, type Simulator } from './server.ts'

let simulator: Simulator
beforeAll(async () => {
  simulator = createSimulator()
  await simulator.listen()
})
afterEach(() => simulator.reset())
afterAll(() => simulator.close())

function pdfWith(text: string): Promise<Buffer> {
  return new Promise((done) => {
    const pdf = new PDFDocument()
    const parts: Buffer[] = []
    pdf.on('data', (part: Buffer) => parts.push(part))
    pdf.on('end', () => done(Buffer.concat(parts)))
    pdf.text(text)
    pdf.end()
  })
}

const docxWith = (text: string) =>
  Packer.toBuffer(new Document({ sections: [{ children: [new Paragraph(text)] }] }))

interface Sent {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function upload(
  base: string,
  key: string,
  name: string,
  bytes: Uint8Array,
  purpose = 'file-extract',
): Promise<Sent> {
  const form = new FormData()
  form.set('purpose', purpose)
  form.set('file', new Blob([new Uint8Array(bytes)]), name)
  const headers = { authorization: `Bearer ${key}` }
  const response = await fetch(`${base}/files`, { method: 'POST', headers, body: form })
  const body: unknown = await response.json()
  return { status: response.status, body: isObject(body) ? { ...body } : {} }
}

async function fetched(
  base: string,
  key: string,
  path: string,
  method = 'GET',
): Promise<{ status: number; text: string }> {
  const response = await fetch(`${base}${path}`, { method, headers: { authorization: `Bearer ${key}` } })
  return { status: response.status, text: await response.text() }
}

describe.each(['glm', 'kimi'] as const)('%s', (vendor) => {
  const key = `sim-${vendor}-a`
  const base = () => (vendor === 'glm' ? simulator.glmBaseUrl : simulator.kimiBaseUrl)

  test.each([
    ['report.pdf', pdfWith],
    ['report.docx', docxWith],
    ['report.html', async (text: string) => Buffer.from(`<h1>x</h1><p>${text}</p>`)],
    ['report.txt', async (text: string) => Buffer.from(text)],
  ])('brings out the text of %s', async (name, make) => {
    const file = await upload(base(), key, name, await make('The mark is INSIDE-MARK-42.'))
    expect(file).toMatchObject({
      status: 200,
      body: { object: 'file', filename: name, purpose: 'file-extract' },
    })
    expect((await fetched(base(), key, `/files/${file.body.id}/content`)).text).toContain('INSIDE-MARK-42')
  })

  test('keeps files of accounts apart, lists and deletes them', async () => {
    const { body } = await upload(base(), key, 'a.txt', Buffer.from('mine'))
    expect(
      (await fetched(base(), `sim-${vendor}-b`, `/files/${body.id}/content`)).status,
    ).toBeGreaterThanOrEqual(400)
    expect((await fetched(base(), key, '/files')).text).toContain(String(body.id))
    expect((await fetched(base(), key, `/files/${body.id}`, 'DELETE')).text).toContain('"deleted":true')
    expect((await fetched(base(), key, `/files/${body.id}/content`)).status).toBeGreaterThanOrEqual(400)
  })

  test('refuses a broken PDF, an empty file and a purpose nobody knows', async () => {
    const status = async (...sent: Parameters<typeof upload>) => (await upload(...sent)).status
    expect(await status(base(), key, 'a.pdf', Buffer.from('%PDF-1.7 not really'))).toBe(
      vendor === 'glm' ? 400 : 500,
    )
    expect(await status(base(), key, 'a.txt', Buffer.from(''))).toBe(400)
    expect(await status(base(), key, 'a.txt', Buffer.from('x'), 'mischief')).toBe(400)
  })
})

describe('kimi', () => {
  const key = 'sim-kimi-a'

  test('renames a second file of the same name', async () => {
    await upload(simulator.kimiBaseUrl, key, 'a.txt', Buffer.from('1'))
    const second = await upload(simulator.kimiBaseUrl, key, 'a.txt', Buffer.from('2'))
    expect(second.body.filename).toBe('a(1).txt')
  })

  test('refuses one file more than the account may hold', async () => {
    simulator.control({ kimi: { filesMax: 1 } })
    await upload(simulator.kimiBaseUrl, key, 'a.txt', Buffer.from('1'))
    const second = await upload(simulator.kimiBaseUrl, key, 'b.txt', Buffer.from('2'))
    expect(JSON.stringify(second.body)).toContain('exceeded the max file count 1')
  })
})
