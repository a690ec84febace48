// `summarize`: the gist of a document, at the length wanted.

import { z } from 'zod'
import { toAnswer } from './answer.ts'
import { documentFields } from './document-input.ts'
import { freshField } from './fresh-field.ts'
import { defineTool, type Tool } from './tool.ts'

const job = { kind: 'generate', task: 'summarize', prefer: ['kimi', 'local'] } as const

const input = z.strictObject({
  ...documentFields,
  length: z.enum(['short', 'medium', 'long']).default('medium').describe('How long the summary shall be'),
  focus: z.string().max(2000).optional().describe('What the reader cares about'),
  model: z.string().max(100).optional().describe('A model name from listmodels'),
  ...freshField,
})

const lengths = {
  short: 'in three sentences at most',
  medium: 'in about 200 words',
  long: 'in about 600 words, with headings',
} as const

/** Summary on Kimi; extractive without a key. */
export const summarize: Tool = defineTool({
  name: 'summarize',
  title: 'Summarize',
  description:
    'Summarize a document (PDF, DOCX, HTML, Markdown, text; slides, sheets and e-books through Kimi). Give exactly one of path, file or text.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: true },
  pace: 'long',
  job,
  async run(args, context) {
    context.progress({ kind: 'working', message: 'Reading the document' })
    const document = await context.openDocument(args)
    const focus = args.focus === undefined ? '' : ` The reader cares about: ${args.focus}`
    const outcome = await context.run(
      {
        kind: 'generate',
        task: 'summarize',
        documents: [document],
        messages: [{ role: 'user', content: `Summarize ${document.name} ${lengths[args.length]}.${focus}` }],
        outputTokensMax: 4096,
      },
      {
        ...(args.model === undefined ? { prefer: job.prefer } : { model: args.model }),
        sharing: { isKept: true, isFresh: args.fresh },
      },
    )
    return toAnswer(
      outcome,
      document.isCut ? ['The document was too long: only its beginning was read.'] : [],
    )
  },
})
