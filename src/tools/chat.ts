// `chat`: one turn with any model, in a thread that can be continued, also by another model.

import { z } from 'zod'
import { toAnswer } from './answer.ts'
import { ownAnswerField } from './fresh-field.ts'
import { defineTool, type Tool } from './tool.ts'

const input = z.strictObject({
  prompt: z.string().min(1).max(1_000_000).describe('What to ask'),
  model: z
    .string()
    .max(100)
    .optional()
    .describe('A model name from listmodels; default: the best one set up'),
  continuation_id: z.string().max(100).optional().describe('Continues an earlier chat'),
  ...ownAnswerField,
})

/** Second opinion from another model. */
export const chat: Tool = defineTool({
  name: 'chat',
  title: 'Chat',
  description:
    'Ask another AI model (GLM, Kimi or any configured one). Returns its answer and a continuation_id for follow-up questions.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: true },
  pace: 'long',
  job: { kind: 'generate', task: 'chat' },
  async run(args, context) {
    const thread = context.threads.open(args.continuation_id)
    const question = { role: 'user', content: args.prompt } as const
    const outcome = await context.run(
      { kind: 'generate', task: 'chat', messages: [...thread.messages, question], outputTokensMax: 4096 },
      { model: args.model, affinity: thread.handle, sharing: { isFresh: args.fresh } },
    )
    thread.append([question, { role: 'assistant', content: outcome.text }])
    const answer = toAnswer(outcome, [`continuation_id: ${thread.handle}`])
    return { ...answer, meta: { ...answer.meta, 'exai/continuation_id': thread.handle } }
  },
})
