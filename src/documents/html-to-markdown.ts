// HTML to Markdown for models: headings, lists, links and tables' words kept; pictures, scripts and styles dropped.
// Works on a document in memory and fetches nothing.

import { parseHTML } from 'linkedom'
import TurndownService from 'turndown'

const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' })
turndown.remove(['script', 'style', 'noscript', 'iframe', 'template'])
turndown.addRule('no-pictures', { filter: 'img', replacement: () => '' })
turndown.addRule('cells', { filter: ['td', 'th'], replacement: (content) => `${content.trim()} | ` })
turndown.addRule('rows', { filter: 'tr', replacement: (content) => `\n| ${content.trim()}` })

/** Markdown of an HTML fragment; empty when it holds no text. */
export function toMarkdown(html: string): string {
  const { document } = parseHTML(`<!doctype html><html><body>${html}</body></html>`)
  return turndown
    .turndown(document.body)
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
