// HTML to Markdown for models: headings, lists, links and tables' words kept; pictures, scripts and styles dropped.
// Works on a document in memory and fetches nothing.

import TurndownService from 'turndown'

const turndown = new TurndownService({ headingStyle: 'atx', codeBlockStyle: 'fenced', bulletListMarker: '-' })
turndown.remove(['title', 'script', 'style', 'noscript', 'iframe', 'template'])
turndown.addRule('no-pictures', { filter: 'img', replacement: () => '' })
turndown.addRule('cells', { filter: ['td', 'th'], replacement: (content) => `${content.trim()} | ` })
turndown.addRule('rows', { filter: 'tr', replacement: (content) => `\n| ${content.trim()}` })

/** Markdown of an HTML page or fragment; empty when it holds no text. */
export function toMarkdown(html: string): string {
  return turndown
    .turndown(html)
    .replace(/\n{3,}/g, '\n\n')
    .trim()
}
