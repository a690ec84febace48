// The extractive provider at work: quotes with their right pages, in any language, bounded, without a model's pretence.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DocumentText } from '../domain/document-text.ts'
import { CallFailure } from '../domain/failure.ts'
import { createLocalProvider, type LocalProvider } from './local.ts'
import type { GenerateJob, Job, StreamPart } from './provider.ts'

let provider: LocalProvider
beforeEach(() => {
  provider = createLocalProvider()
})
afterEach(async () => {
  await provider.destroy()
  expect(provider.inspect()).toEqual({ running: 0, waiting: 0, workers: 0 })
})

async function partsOf(job: Job, signal: AbortSignal = new AbortController().signal): Promise<StreamPart[]> {
  const parts: StreamPart[] = []
  for await (const part of provider.run(job, { apiKey: null, signal, requestId: 'r1' })) parts.push(part)
  return parts
}

async function textOf(job: Partial<GenerateJob> & Pick<GenerateJob, 'task'>, question = ''): Promise<string> {
  const parts = await partsOf({
    kind: 'generate',
    model: 'extractive',
    messages: [{ role: 'user', content: question }],
    outputTokensMax: 2_000,
    ...job,
  })
  return parts.map((part) => (part.type === 'text-delta' ? part.text : '')).join('')
}

function text(content: string, format: DocumentText['format'] = 'text'): DocumentText {
  return { name: `a.${format}`, format, pages: null, isCut: false, passages: [{ page: null, text: content }] }
}

function paged(pages: readonly string[]): DocumentText {
  const passages = pages.map((content, index) => ({ page: index + 1, text: content }))
  return { name: 'report.pdf', format: 'pdf', pages: pages.length, isCut: false, passages }
}

const filler = (page: number): string =>
  `Chapter ${page} goes on about the usual things of the trade, and it says little that is new. `.repeat(8)

describe('answers', () => {
  it('quote the passage and name its page', async () => {
    const pages = Array.from({ length: 300 }, (_, index) => filler(index + 1))
    pages[206] += 'The warranty of the pump ends after eighteen months of service.'
    const answer = await textOf(
      { task: 'answer', documents: [paged(pages)] },
      'When does the warranty of the pump end?',
    )
    expect(answer).toMatch(/^Extractive, no model\./)
    expect(answer).toContain('"report.pdf" (pdf, 300 pages)')
    const first = answer.split('\n\n')[1]
    expect(first).toMatch(
      /^> ".*The warranty of the pump ends after eighteen months of service\..*" \(page 207\)$/,
    )
  })

  it('prefer the page that the question names', async () => {
    const pages = Array.from({ length: 20 }, (_, index) => `The mark of this sheet is M-${index * 37 + 100}.`)
    expect(
      await textOf({ task: 'answer', documents: [paged(pages)] }, 'What is the mark on page 12?'),
    ).toMatch(/\n\n> "[^"]*M-507\.[^"]*" \(page 12\)/)
  })

  it.each([
    [
      'German',
      'Der Vertrag endet am 3. Mai. Die Gebühr beträgt zwölf Euro.',
      'Wie hoch ist die GEBUHR?',
      'zwölf Euro',
    ],
    [
      'Russian',
      'Договор заканчивается в мае. Плата составляет двенадцать рублей.',
      'Какова плата?',
      'двенадцать',
    ],
    ['Chinese', '合同于五月结束。费用为十二元。', '费用是多少？', '十二元'],
    ['Hindi', 'अनुबंध मई में समाप्त होता है। शुल्क बारह रुपये है।', 'शुल्क कितना है?', 'बारह'],
  ])('work in %s', async (_, content, question, wanted) => {
    const far = Array.from({ length: 10 }, () => filler(1))
    const answer = await textOf({ task: 'answer', documents: [paged([...far, content])] }, question)
    expect(answer.split('\n\n')[1]).toContain(wanted)
    expect(answer.split('\n\n')[1]).toContain('(page 11)')
  })

  it('tell several documents apart', async () => {
    const documents = [
      { ...text('The red house has nine rooms.'), name: 'red.txt' },
      { ...text('The blue house has four rooms.'), name: 'blue.txt' },
    ]
    const answer = await textOf({ task: 'answer', documents }, 'rooms of the blue house')
    expect(answer.split('\n\n')[1]).toBe('> "The blue house has four rooms." (blue.txt)')
  })

  it('find what stands in a table, and say when nothing fits', async () => {
    const table = text('# Prices\n\n| Part | Price |\n|---|---|\n| Gasket | 12 EUR |\n', 'markdown')
    expect(await textOf({ task: 'answer', documents: [table] }, 'price of a gasket')).toContain(
      '| Gasket | 12 EUR |',
    )
    const nothing = await textOf({ task: 'answer', documents: [table] }, 'who won the cup')
    expect(nothing).toMatch(
      /^Extractive, no model\. No passage of .* has the words of the question \(won, cup\)/,
    )
  })
})

describe('summaries', () => {
  it('choose what the document is about, in its order, with pages', async () => {
    const pages = Array.from(
      { length: 12 },
      (_, index) => `${filler(index + 1)} Internal use only, all rights reserved ${index}.`,
    )
    pages[2] += ' The turbine failed because its bearing ran without oil.'
    pages[8] += ' After the turbine failed, a new bearing with an oil sensor was fitted.'
    const summary = await textOf({ task: 'summarize', documents: [paged(pages)] })
    expect(summary).toMatch(/bearing ran without oil\." \(page 3\)[\s\S]*oil sensor was fitted\." \(page 9\)/)
    expect(summary).not.toContain('all rights reserved')
  })

  it('leave out code, tables, headings and links of Markdown', async () => {
    const markdown = text(
      `# The heading of the whole thing\n\n${'```js\nconst queue = queue.queue(queue, queue, queue, queue)\n```\n\n'.repeat(3)}` +
        `| queue | queue | queue | queue | queue | queue |\n|---|---|---|---|---|---|\n\n` +
        'The queue serves [each client](http://x.example/) in its turn. A client that waits for the queue is told its place in it.\n',
      'markdown',
    )
    const summary = await textOf({ task: 'summarize', documents: [markdown] })
    expect(summary).toContain('> "The queue serves each client in its turn."')
    expect(summary).not.toMatch(/const queue|\| queue|The heading|x\.example/)
  })

  it('show the first lines of a document without a sentence', async () => {
    expect(await textOf({ task: 'summarize', documents: [text('alpha\n\nbeta')] })).toMatch(
      /> "alpha"[\s\S]*> "beta"/,
    )
  })
})

it('keeps within the output it may have', async () => {
  const long = paged(Array.from({ length: 50 }, (_, page) => `Word${page} `.repeat(400)))
  for (const task of ['answer', 'summarize'] as const) {
    const output = await textOf({ task, documents: [long, long], outputTokensMax: 300 }, 'word7 word8 word9')
    expect(output.length).toBeLessThanOrEqual(1_000)
    expect(output).toContain('> "')
  }
})

it('ends with estimated usage and one finish', async () => {
  const parts = await partsOf({
    kind: 'generate',
    model: 'extractive',
    task: 'summarize',
    messages: [],
    documents: [text('One sentence with quite some words in it.')],
    outputTokensMax: 100,
  })
  expect(parts.at(-2)).toMatchObject({ type: 'usage', usage: { source: 'estimated', inputTokens: 14 } })
  expect(parts.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
  expect(provider.models[0]).toMatchObject({ id: 'extractive', isExtractive: true })
})

it('says which key to set for everything else', async () => {
  const generate = { kind: 'generate', model: 'extractive', messages: [], outputTokensMax: 10 } as const
  const jobs: Job[] = [
    { ...generate, task: 'chat', documents: [text('x')] },
    { ...generate, task: 'review' },
    { ...generate, task: 'summarize' },
    { ...generate, task: 'answer', documents: [] },
    { kind: 'search', query: 'x', count: 1 },
    { kind: 'read', url: 'http://127.0.0.1/' },
  ]
  for (const job of jobs) {
    await expect(partsOf(job)).rejects.toMatchObject({
      code: 'not-configured',
      message: expect.stringMatching(/ZAI_API_KEY.*MOONSHOT_API_KEY/),
    })
  }
  expect(provider.inspect().workers).toBe(0)
})

it('stops at once when the caller leaves', async () => {
  const gone = new AbortController()
  const reason = new CallFailure('cancelled', { message: 'The caller cancelled.' })
  const words = Array.from(
    { length: 200_000 },
    (_, n) => `Sentence ${n} has words ${n % 991} and more. `,
  ).join('')
  const work = partsOf(
    {
      kind: 'generate',
      model: 'x',
      task: 'summarize',
      messages: [],
      documents: [text(words)],
      outputTokensMax: 100,
    },
    gone.signal,
  )
  setImmediate(() => gone.abort(reason))
  await expect(work).rejects.toBe(reason)
  expect(provider.inspect()).toMatchObject({ running: 0, waiting: 0 })
})
