// The extractor on real files made here: right pages, clear words for bad files, turns between callers, nothing left behind.

import { crc32, deflateRawSync } from 'node:zlib'
import { Document, Packer, Paragraph } from 'docx'
import PDFDocument from 'pdfkit'
import { afterEach, describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { systemClock } from '../lib/clock.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { createExtractor, type Extractor, type ExtractorOptions } from './extract.ts'

const open: Extractor[] = []
const never = new AbortController().signal

function extractor(options: Partial<ExtractorOptions> = {}): Extractor {
  const made = createExtractor({ clock: systemClock, ...options })
  open.push(made)
  return made
}

afterEach(async () => {
  for (const one of open.splice(0)) {
    await one.destroy()
    expect(one.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
  }
})

function pdf(pages: readonly string[], options: PDFKit.PDFDocumentOptions = {}): Promise<Buffer> {
  return new Promise((resolve) => {
    const document = new PDFDocument({ ...options, autoFirstPage: false })
    const chunks: Buffer[] = []
    document.on('data', (chunk: Buffer) => chunks.push(chunk))
    document.on('end', () => resolve(Buffer.concat(chunks)))
    for (const text of pages) document.addPage().text(text)
    document.end()
  })
}

/** A PDF whose one line is written in an old Chinese code, its font not embedded. */
function oldChinesePdf(): Buffer {
  const line = 'BT /F1 24 Tf 20 50 Td <c4e3bac3> Tj ET'
  const font = '/Type/Font/BaseFont/STSong-Light'
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 100]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>',
    `<</Length ${line.length}>>stream\n${line}\nendstream `,
    `<<${font}/Subtype/Type0/Encoding/GBK-EUC-H/DescendantFonts[6 0 R]>>`,
    `<<${font}/Subtype/CIDFontType0/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>>>`,
  ].map((body, index) => `${index + 1} 0 obj${body}endobj\n`)
  return Buffer.from(`%PDF-1.4\n${objects.join('')}trailer<</Root 1 0 R>>\n%%EOF`)
}

/** A zip of one part, whose central directory claims `claimed` bytes. */
function zip(name: string, content: Buffer, claimed: number = content.length): Buffer {
  const packed = deflateRawSync(content, { level: 9 })
  const path = Buffer.from(name)
  const fields = (at: number, size: number): Buffer => {
    const header = Buffer.alloc(size)
    header.writeUInt16LE(8, at)
    header.writeUInt32LE(crc32(content), at + 6)
    header.writeUInt32LE(packed.length, at + 10)
    header.writeUInt32LE(claimed, at + 14)
    header.writeUInt16LE(path.length, at + 18)
    return header
  }
  const local = fields(8, 30)
  local.writeUInt32LE(0x04034b50, 0)
  const central = fields(10, 46)
  central.writeUInt32LE(0x02014b50, 0)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(46 + path.length, 12)
  end.writeUInt32LE(30 + path.length + packed.length, 16)
  return Buffer.concat([local, path, packed, central, path, end])
}

/** Text in a charset of one byte a character. */
function inBytesOf(charset: string, text: string): Buffer {
  const decoder = new TextDecoder(charset)
  const bytes = new Map(Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]))
  return Buffer.from(Array.from(text, (char) => bytes.get(char) ?? 0))
}

async function failureOf(work: Promise<unknown>): Promise<CallFailure> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(CallFailure)
  return error as CallFailure
}

const read = (one: Extractor, name: string, bytes: Uint8Array, lane = 'local\na') =>
  one.extract({ name, bytes, lane }, never)

describe('formats', () => {
  it('shows code as it stands, a page with its scripts and forms; what is no text is read as ever', async () => {
    const page =
      '<!doctype html><form action="/pay" onsubmit="go()"><script>steal(document.cookie)</script></form>'
    const one = extractor()
    const code = (name: string, bytes: Uint8Array) =>
      one.extract({ name, bytes, lane: 'local\na', isCode: true }, never)
    expect(await code('pay.html', Buffer.from(page))).toMatchObject({
      format: 'text',
      passages: [{ page: null, text: page }],
    })
    expect(await code('report.pdf', await pdf(['first page']))).toMatchObject({ format: 'pdf' })
  })

  describe('shows code in the charset that it names', () => {
    const code = (bytes: Uint8Array, name = 'pay.html') =>
      extractor().extract({ name, bytes, lane: 'local\na', isCode: true }, never)
    const script = '<script>steal(document.cookie)</script>'
    const page = (head: string, text: string): string =>
      `<!doctype html>${head}${script}<p>${text.repeat(40)}`
    const whole = (text: string) => ({ format: 'text', isCut: false, passages: [{ page: null, text }] })

    it.each([
      ['windows-1251', '<meta charset="windows-1251">', 'Платёж принят. '],
      ['windows-1251', '<meta http-equiv=content-type content="text/html; charset=cp1251">', 'Счёт '],
      ['iso-8859-1', "<meta charset='iso-8859-1'>", 'Zahlung bestätigt für Zoë. '],
      ['koi8-r', '<?xml version="1.0" encoding="KOI8-R"?>', 'Платёж принят. '],
    ])('%s by %s', async (charset, head, text) => {
      const stands = head.startsWith('<?xml') ? head + page('', text) : page(head, text)
      expect(await code(inBytesOf(charset, stands))).toMatchObject(whole(stands))
    })

    it('Shift_JIS, of two bytes a character', async () => {
      const head = `<html><meta charset=Shift_JIS>${script}`
      const japanese = Array.from({ length: 99 }, () => Buffer.from('93fa967b8cea', 'hex'))
      expect(await code(Buffer.concat([Buffer.from(head), ...japanese]))).toMatchObject(
        whole(head + '日本語'.repeat(99)),
      )
    })

    it('but UTF-8 where it is UTF-8, whatever it names, and where it names UTF-16 in single bytes', async () => {
      for (const named of ['iso-8859-1', 'utf-16', 'no-such-charset']) {
        const stands = page(`<meta charset="${named}">`, 'Zahlung bestätigt. ')
        expect(await code(Buffer.from(stands))).toMatchObject(whole(stands))
      }
    })

    it('and whole where so little of it is beyond ASCII that it would pass for damage', async () => {
      const stands = `${page('<meta charset=latin1>', 'x'.repeat(40))}für`
      expect(await code(inBytesOf('iso-8859-1', stands))).toMatchObject(whole(stands))
    })

    it('and refuses a page of an unnamed one, instead of showing an article without its scripts', async () => {
      const bytes = inBytesOf('windows-1251', page('', 'Платёж принят. '))
      expect(await failureOf(code(bytes))).toMatchObject({
        code: 'document-unreadable',
        message: expect.stringMatching(/pay\.html.*cannot be shown as it stands.*Save it as UTF-8/s),
      })
      expect(await failureOf(code(bytes, 'pay.php'))).toMatchObject({ code: 'document-unreadable' })
    })
  })

  it.each([
    ['windows-1251', 'windows-1251'],
    ['utf-16', 'windows-1252'],
  ])('reads a page that names %s', async (named, charset) => {
    const word = charset === 'windows-1251' ? 'Платёж' : 'Payment'
    const page = `<html><head><meta charset=${named}></head><body><p>${`${word} `.repeat(40)}</p></body></html>`
    const { format, passages } = await read(extractor(), 'a.html', inBytesOf(charset, page))
    expect([format, passages[0]?.text.slice(0, word.length)]).toEqual(['html', word])
  })

  it('takes a text that speaks of %PDF- for a text, and a PDF behind lines of a mail for a PDF', async () => {
    const one = extractor()
    const source = "const head = '%PDF-'\n"
    expect(await read(one, 'format.ts', Buffer.from(source))).toMatchObject({
      format: 'text',
      passages: [{ text: source }],
    })
    const mailed = Buffer.concat([
      Buffer.from('Content-Type: application/pdf\r\n\r\n'),
      await pdf(['first page']),
    ])
    for (const name of ['attachment', 'a.pdf'])
      expect(await read(one, name, mailed)).toMatchObject({ format: 'pdf', pages: 1 })
  })

  it('reads a PDF with its page numbers, whatever it is called', async () => {
    const text = await read(extractor(), 'report', await pdf(['first page', 'second MARK-2', 'third']))
    expect(text).toMatchObject({ name: 'report', format: 'pdf', pages: 3, isCut: false })
    expect(text.passages.map((passage) => passage.page)).toEqual([1, 2, 3])
    expect(text.passages[1]?.text).toContain('MARK-2')
  })

  it('reads a DOCX', async () => {
    const document = new Document({
      sections: [
        {
          children: [
            new Paragraph({ text: 'Über uns', heading: 'Heading1' }),
            new Paragraph('Zweiter Absatz 文書'),
          ],
        },
      ],
    })
    const text = await read(extractor(), 'a.docx', await Packer.toBuffer(document))
    expect(text).toMatchObject({ format: 'docx', pages: null, isCut: false })
    expect(text.passages[0]?.text).toBe('# Über uns\n\nZweiter Absatz 文書')
  })

  it('reads the article of a web page in its own encoding, without its scripts', async () => {
    const words = 'Die Straße führt über die Brücke zum Fluß. '.repeat(20)
    const html = `<html><head><meta charset="iso-8859-1"><title>Straße</title><script>var x = "EVIL"</script></head>
      <body><nav><a href="/">menu</a></nav><article><h2>Weg</h2><p>${words}</p></article></body></html>`
    const text = await read(extractor(), 'page.html', Buffer.from(html, 'latin1'))
    expect(text.format).toBe('html')
    expect(text.passages[0]?.text).toContain('Die Straße führt über die Brücke')
    expect(text.passages[0]?.text).not.toContain('EVIL')
  })

  it('reads a web page that is no article as a whole', async () => {
    const text = await read(extractor(), 'page.html', Buffer.from('<ul><li>one</li><li>two</li></ul>'))
    expect(text.passages[0]?.text).toMatch(/one[\s\S]*two/)
  })

  it.each([
    ['UTF-8 with a mark', Buffer.from('\uFEFFgrün')],
    ['UTF-16 with a mark', Buffer.from('\uFEFFgrün', 'utf16le')],
    ['UTF-16 without a mark', Buffer.from('grün', 'utf16le')],
    ['big-endian UTF-16', Buffer.from('\uFEFFgrün', 'utf16le').swap16()],
  ])('reads %s without starting a worker', async (_, bytes) => {
    const one = extractor()
    expect((await read(one, 'notes.md', bytes)).passages).toEqual([{ page: null, text: 'grün' }])
    expect(one.inspect().workers).toBe(0)
  })

  it('cuts text beyond four million characters, and says so', async () => {
    const text = await read(extractor(), 'long.txt', Buffer.from('ab '.repeat(2_000_000)))
    expect(text.isCut).toBe(true)
    expect(text.passages[0]?.text.length).toBe(4_000_000)
  })
})

describe('bad files', () => {
  it('names what is wrong with each, and reads the next one', async () => {
    const one = extractor()
    const whole = await pdf(['some text'])
    const files: readonly [string, Uint8Array, RegExp][] = [
      ['locked.pdf', await pdf(['secret'], { userPassword: 'x' }), /protected by a password/],
      ['cut.pdf', whole.subarray(0, 300), /structure is broken/],
      ['scan.pdf', await pdf(['', '']), /holds only images: its 2 pages/],
      ['old.pdf', oldChinesePdf(), /old Chinese, Japanese or Korean code/],
      ['empty.txt', Buffer.alloc(0), /is empty/],
      ['blank.txt', Buffer.from(' \n '), /nothing but blanks/],
      ['big.txt', Buffer.alloc(50 * 1024 * 1024 + 1, 0x20), /larger than 50 MiB/],
      ['garbage.txt', Buffer.from([1, 2, 3, 0, 255, 254, 7]), /not a text/],
      [
        'photo.txt',
        Buffer.from('89504e470d0a1a0a0000000d4948445200000001000000010806000000', 'hex'),
        /image\/png/,
      ],
      ['broken.docx', Buffer.from('PK\u0003\u0004 and no more'), /zip container that is broken/],
      ['lies.docx', zip('word/document.xml', Buffer.alloc(30 * 1024 * 1024), 100), /out of all proportion/],
      ['bomb.docx', zip('word/document.xml', Buffer.from('x'), 4_000_000_000), /unpacks to 3815 MiB/],
      ['odd.docx', zip('word/document.xml', Buffer.from('<w:document')), /inside is broken/],
      ['sheet.xlsx', zip('xl/workbook.xml', Buffer.from('<workbook/>')), /can be read: /],
      ['deep.html', Buffer.from('<div>'.repeat(200_000)), /nests too deeply/],
      [
        'script.html',
        Buffer.from('<html><body><script>draw()</script></body></html>'),
        /without text of its own/,
      ],
    ]
    for (const [name, bytes, words] of files) {
      const failure = await failureOf(read(one, name, bytes))
      expect(failure.code, name).toBe('document-unreadable')
      expect(failure.message, name).toMatch(words)
      expect(failure.message, name).toContain(name)
    }
    expect((await read(one, 'good.pdf', whole)).passages[0]?.text).toBe('some text')
  })

  it('gives up a file that takes too long; the next one is read', async () => {
    const clock = new VirtualClock()
    const one = extractor({ clock, workersMax: 1 })
    const slow = Buffer.from(`<html>${'<p><i>'.repeat(900)}${'<b>x</b> '.repeat(800_000)}`)
    const given = failureOf(read(one, 'slow.html', slow))
    const next = read(one, 'ok.html', Buffer.from('<p>fine</p>'))
    await clock.advance(60_000)
    expect((await given).message).toMatch(/could not be read within 60 seconds/)
    expect((await next).passages[0]?.text).toBe('fine')
  })

  it('lets a worker that needs too much memory die alone', async () => {
    const one = extractor({ memoryMiBMax: 24 })
    const big = Buffer.from(`<html><body>${'<p>some words</p>'.repeat(300_000)}</body></html>`)
    const [heavy, light] = await Promise.all([
      failureOf(read(one, 'heavy.html', big, 'local\nheavy')),
      read(one, 'light.html', Buffer.from('<p>light</p>'), 'local\nlight'),
    ])
    expect(heavy.message).toMatch(/more than the 24 MiB of memory/)
    expect(light.passages[0]?.text).toBe('light')
  })
})

describe('many callers', () => {
  it("leaves a worker to the others while one caller's long files run", async () => {
    const one = extractor()
    const long = await pdf(Array.from({ length: 120 }, (_, page) => `page ${page} `.repeat(200)))
    const order: string[] = []
    const hog = [1, 2, 3].map((n) =>
      read(one, 'long.pdf', long, 'local\nhog').then(() => order.push(`hog ${n}`)),
    )
    const small = read(one, 'small.pdf', await pdf(['small']), 'local\nsmall').then(() => order.push('small'))
    await Promise.all([...hog, small])
    expect(order[0]).toBe('small')
  })

  it('ends waiting and running work at once when its caller leaves', async () => {
    const one = extractor({ workersMax: 1 })
    const long = await pdf(Array.from({ length: 200 }, (_, page) => `page ${page} `.repeat(200)))
    const gone = new AbortController()
    const reason = new CallFailure('client-gone', { message: 'The connection ended.' })
    const work = [1, 2].map(() => one.extract({ name: 'l.pdf', bytes: long, lane: 'a' }, gone.signal))
    expect(one.inspect()).toMatchObject({ running: 1, waiting: 1 })
    gone.abort(reason)
    for (const each of work) expect(await failureOf(each)).toBe(reason)
    expect(one.inspect()).toMatchObject({ running: 0, waiting: 0 })
    expect((await read(one, 'next.pdf', await pdf(['next']))).passages[0]?.text).toBe('next')
  })

  it('refuses when the queue is full, by count and by bytes', async () => {
    const files = await pdf(['x'])
    for (const limits of [{ queueMax: 1 }, { queueBytesMax: files.length * 2 }]) {
      const one = extractor({ workersMax: 1, ...limits })
      const kept = [read(one, '1.pdf', files), read(one, '2.pdf', files)]
      const failure = await failureOf(read(one, '3.pdf', files))
      expect(failure).toMatchObject({ code: 'refused', retryable: true, refusal: { reason: 'queue-full' } })
      await Promise.all(kept)
    }
  })
})

describe('warm workers', () => {
  it('answer files with their own text, also those that come while they warm up', async () => {
    const extractor = createExtractor({ clock: systemClock, workersMax: 2 })
    extractor.warm()
    extractor.warm()
    expect(extractor.inspect()).toEqual({ running: 0, waiting: 0, workers: 2 })
    const page = (mark: string) =>
      new TextEncoder().encode(`<html><body><p>${mark} ${'words '.repeat(20)}</p></body></html>`)
    const never = new AbortController().signal
    const texts = await Promise.all(
      ['one', 'two', 'three'].map((mark) =>
        extractor.extract({ name: `${mark}.html`, bytes: page(mark), lane: mark }, never),
      ),
    )
    expect(texts.map(({ passages }) => passages[0]?.text.split(' ')[0])).toEqual(['one', 'two', 'three'])
    await extractor.destroy()
    expect(extractor.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
  })
})

describe('a format that only a vendor reads', () => {
  const slides = zip('ppt/presentation.xml', Buffer.from('<presentation/>'))
  const never = new AbortController().signal

  it('is read there when one is set up, with its own name and bytes', async () => {
    const extractor = createExtractor({ clock: systemClock })
    const seen: unknown[] = []
    const elsewhere = async (name: string, bytes: Uint8Array): Promise<string> => {
      seen.push(name, bytes.byteLength)
      return 'text of the slides'
    }
    expect(
      await extractor.extract({ name: 'talk.pptx', bytes: slides, lane: 'a', elsewhere }, never),
    ).toMatchObject({
      name: 'talk.pptx',
      format: 'other',
      passages: [{ page: null, text: 'text of the slides' }],
    })
    expect(seen).toEqual(['talk.pptx', slides.byteLength])
    await extractor.destroy()
  })

  it('is refused with what to set when none is, and never sent when it is not what its name says', async () => {
    const extractor = createExtractor({ clock: systemClock })
    const elsewhere = (): Promise<string> => expect.fail('was sent to a vendor')
    await expect(extractor.extract({ name: 'talk.pptx', bytes: slides, lane: 'a' }, never)).rejects.toThrow(
      'MOONSHOT_API_KEY',
    )
    const noise = Buffer.from([0, 1, 2, 3, 250, 251, 252, 253])
    await expect(
      extractor.extract({ name: 'talk.pptx', bytes: noise, lane: 'a', elsewhere }, never),
    ).rejects.toMatchObject({
      code: 'document-unreadable',
    })
    await extractor.destroy()
  })
})
