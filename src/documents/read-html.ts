// Text of a web page saved as HTML: the article where one can be told from its surroundings, else the whole body.
// Runs in the extraction worker. Fetches nothing and runs no script.

import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import type { DocumentText } from '../domain/document-text.ts'
import { toMarkdown } from './html-to-markdown.ts'
import { textCharsMax } from './limits.ts'
import { ownCharset } from './own-charset.ts'
import { cutText } from './plain-text.ts'
import { unreadable } from './unreadable.ts'

/** Below this share of the body's text an "article" is taken for a mistake. */
const articleShareMin = 0.3
/** A page of more elements is a listing or a table, and finding its article takes long. */
const articleElementsMax = 20_000
/** Real pages stay below 100. */
const depthMax = 1_000
/** Tags that are void, or that HTML closes by itself. */
const flatTags: ReadonlySet<string> = new Set(
  'area base br col embed hr img input link meta param source track wbr p li dt dd tr td th option thead tbody tfoot colgroup path'.split(
    ' ',
  ),
)

/** Reads an HTML page. Throws `document-unreadable`. */
export function readHtml(name: string, bytes: Uint8Array): DocumentText {
  const text = markdownOf(name, decodeHtml(bytes))
  if (text === '') {
    throw unreadable(
      name,
      'is a web page without text of its own, as when scripts draw it',
      'Save the page from a browser after it has loaded, or paste its text.',
    )
  }
  return {
    name,
    format: 'html',
    pages: null,
    passages: [{ page: null, text: cutText(text, textCharsMax) }],
    isCut: text.length > textCharsMax,
  }
}

function markdownOf(name: string, html: string): string {
  const shape = shapeOf(html)
  if (shape.depth > depthMax) throw tooDeep(name)
  try {
    return (shape.elements > articleElementsMax ? '' : articleOf(html)) || toMarkdown(html)
  } catch (error) {
    throw tooDeep(name, error)
  }
}

/** The article as Markdown under its title; empty where there is none, or too little of the page to be all that matters. */
function articleOf(html: string): string {
  const { document } = parseHTML(html)
  for (const element of document.querySelectorAll('script, style, noscript, template')) element.remove()
  const charsOfPage = document.body?.textContent?.trim().length ?? 0
  const article = new Readability(document).parse()
  if ((article?.length ?? 0) < charsOfPage * articleShareMin) return ''
  const text = toMarkdown(article?.content ?? '')
  return text !== '' && article?.title ? `# ${article.title}\n\n${text}` : text
}

function tooDeep(name: string, cause?: unknown): Error {
  return unreadable(
    name,
    'is HTML that nests too deeply or is too large to be read',
    'Save the page as text or PDF and use that.',
    cause,
  )
}

/** How deep the tags nest and how many there are, told before parsing: the parsers need time in the square of the depth. */
function shapeOf(html: string): { readonly depth: number; readonly elements: number } {
  let depth = 0
  let deepest = 0
  let elements = 0
  for (const [, slash, tag] of html.matchAll(/<(\/?)([a-z][a-z0-9]{0,20})/gi)) {
    if (slash === '') elements += 1
    if (flatTags.has(tag?.toLowerCase() ?? '')) continue
    depth = Math.max(0, depth + (slash === '/' ? -1 : 1))
    deepest = Math.max(deepest, depth)
  }
  return { depth: deepest, elements }
}

/** A byte order mark, else the page's own charset, else UTF-8. */
function decodeHtml(bytes: Uint8Array): string {
  const [first, second] = bytes
  const marked =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : null
  return new TextDecoder(marked ?? ownCharset(bytes) ?? 'utf-8').decode(bytes)
}
