// `analyze_document`: answers a question about a PDF, DOCX, HTML, Markdown or text document, with the pages it rests on.

import { z } from 'zod'
import { toAnswer } from './answer.ts'
import { documentFields } from './document-input.ts'
import { freshField } from './fresh-field.ts'
import { defineTool, type Tool } from './tool.ts'

const job = { kind: 'generate', task: 'answer', prefer: ['kimi', 'local'] } as const

const input = z.strictObject({
  ...documentFields,
  question: z.string().min(1).max(20_000).describe('What to find out'),
  model: z.string().max(100).optional().describe('A model name from listmodels'),
  ...freshField,
})

const instructions =
  'Answer the question from the document. Name the page of each fact as (page N) where pages are marked. Say so when the document does not answer it.'

/** Document analysis on Kimi; quoted passages without a key. */
export const analyzeDocument: Tool = defineTool({
  name: 'analyze_document',
  title: 'Analyze document',
  description:
    'Answer a question about a document (PDF, DOCX, HTML, Markdown, text; slides, sheets and e-books through Kimi). Give exactly one of path, file or text.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: true },
  pace: 'long',
  job,
  async run(args, context) {
    context.progress({ kind: 'working', message: 'Reading the document' })
    const document = await context.openDocument(args)
    const outcome = await context.run(
      {
        kind: 'generate',
        task: 'answer',
        documents: [document],
        messages: [
          { role: 'system', content: instructions },
          { role: 'user', content: args.question },
        ],
        outputTokensMax: 4096,
      },
      {
        ...(args.model === undefined ? { prefer: job.prefer } : { model: args.model }),
        sharing: { isKept: true, isFresh: args.fresh },
      },
    )
    const pages = document.pages === null ? '' : `, ${document.pages} pages`
    const cut = document.isCut ? ['The document was too long: only its beginning was read.'] : []
    return toAnswer(outcome, [...cut, `Document: ${document.name}${pages}.`])
  },
})
