// `web_search`: results of a vendor's web search, as a short list with links.

import { z } from 'zod'
import { bounded, cacheFacts, cacheNotes } from './answer.ts'
import { freshField } from './fresh-field.ts'
import { defineTool, type Tool } from './tool.ts'

const job = { kind: 'search', prefer: ['glm', 'kimi'] } as const

const input = z.strictObject({
  query: z.string().min(1).max(400).describe('What to search for'),
  count: z.int().min(1).max(50).default(10).describe('How many results'),
  recency: z.enum(['day', 'week', 'month', 'year']).optional().describe('Only results this recent'),
  domain: z.string().max(253).optional().describe('Only this site, such as example.org'),
  ...freshField,
})

/** Web search on GLM. */
export const webSearch: Tool = defineTool({
  name: 'web_search',
  title: 'Web search',
  description: 'Search the web. Returns titles, links and excerpts.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: true },
  pace: 'long',
  job,
  async run(args, context) {
    const outcome = await context.run(
      {
        kind: 'search',
        query: args.query,
        count: args.count,
        ...(args.recency === undefined ? {} : { recency: args.recency }),
        ...(args.domain === undefined ? {} : { domain: args.domain }),
      },
      { prefer: job.prefer, sharing: { isKept: true, isFresh: args.fresh } },
    )
    const results = outcome.sources
      .slice(0, args.count)
      .map(
        (source, index) =>
          `${index + 1}. ${source.title}${source.publishedAt === null ? '' : ` (${source.publishedAt})`}\n${source.url}\n${source.snippet}`,
      )
    const body = [outcome.text, ...results].filter((piece) => piece !== '').join('\n\n')
    const text = body === '' ? `No results for "${args.query}". Try other words.` : body
    const notes = [`Searched by ${outcome.provider}.`, ...cacheNotes(outcome)].join('\n')
    const { provider, model, usage } = outcome
    return {
      content: [{ type: 'text', text: `${bounded(text)}\n\n---\n${notes}` }],
      meta: { 'exai/answer': { provider, model, usage, ...cacheFacts(outcome) } },
    }
  },
})
