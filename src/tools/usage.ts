// `usage`: what the caller's own principal used: attempts, tokens, money.

import { z } from 'zod'
import { standingLines } from '../admission/quota-standing.ts'
import { CallFailure } from '../domain/failure.ts'
import { parseSince, sinceWords } from '../ledger/since.ts'
import { usageTable } from '../ledger/usage-table.ts'
import { defineTool, type Tool } from './tool.ts'

const input = z.strictObject({
  by: z.enum(['tool', 'model', 'provider', 'client']).default('tool').describe('What to sum by'),
  since: z.string().max(20).default('30d').describe('Since when: 24h, 7d, or a day like 2026-11-01'),
})

// A model reads it: the dearest tell it enough.
const namesShown = 30

/** One's own usage, never another's. */
export const usage: Tool = defineTool({
  name: 'usage',
  title: 'Usage',
  description:
    'Show what you have used: calls, tokens and cost by tool, model, provider or window, and what is left.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  pace: 'instant',
  async run({ by, since }, context) {
    const sinceMs = parseSince(since, context.facts.wallMs())
    if (sinceMs === null) {
      throw new CallFailure('bad-request', { message: `since must be ${sinceWords}; it is "${since}".` })
    }
    const lines = await context.usage({ by, sinceMs, namesMax: namesShown })
    const text = `Used by ${context.identity.principal} since ${new Date(sinceMs).toISOString().slice(0, 16)}Z:`
    const left = standingLines(context.quotas())
    return { content: [{ type: 'text', text: [text, usageTable(lines, by), ...left].join('\n') }] }
  },
})
