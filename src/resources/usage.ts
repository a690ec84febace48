// `exai://usage`: what the caller's own principal used in thirty days, by model and by tool.

import { usageTable } from '../ledger/usage-table.ts'
import { defineResource, type Resource } from './resource.ts'

const namesShown = 30
const sinceMs = 30 * 24 * 3_600_000

/** Its URI. */
export const usageUri = 'exai://usage'

/** One's own usage, never another's. */
export const usageResource: Resource = defineResource({
  uri: usageUri,
  name: 'usage',
  title: 'Your usage',
  description:
    'What you have used in the last 30 days: calls, tokens and cost, by model and by tool. Subscribe to hear of changes.',
  mimeType: 'text/plain',
  ttlMs: 5_000,
  has: () => true,
  async read(context, { uri }) {
    const from = context.facts.wallMs() - sinceMs
    const [models, tools] = await Promise.all([
      context.usage({ by: 'model', sinceMs: from, namesMax: namesShown }),
      context.usage({ by: 'tool', sinceMs: from, namesMax: namesShown }),
    ])
    const head = `Used by ${context.identity.principal} since ${new Date(from).toISOString().slice(0, 16)}Z`
    const text = `${head}\n\n${usageTable(models, 'model')}\n\n${usageTable(tools, 'tool')}`
    return [{ uri, mimeType: 'text/plain', text }]
  },
})
