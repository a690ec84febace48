// Answers over documents: the passages that fit the words of a question best, verbatim and with their pages, ranked by
// BM25 (Robertson and Zaragoza 2009). Our own forty lines rather than SQLite's FTS5, whose tokenizers take a whole run
// of Chinese or Thai for one word.

import type { DocumentText } from '../../domain/document-text.ts'
import { type Quote, quoteLines, titleOf } from './quotes.ts'
import { type Sentence, sentencesOf } from './sentences.ts'
import { wordsOf } from './words.ts'

interface Chunk extends Quote {
  readonly words: readonly string[]
}

const chunkCharsMax = 500
/** A shorter paragraph is joined with the next: a heading says what follows. */
const paragraphCharsMin = 120
const chunksMax = 60_000
const quotesMax = 5
/** Passages below this share of the best one's score only repeat its commonest words. */
const scoreShareMin = 0.35
const saturation = 1.2
const lengthWeight = 0.75
const questionCharsMax = 4_000
/** What questions are made of; everything else in them is looked for. */
const questionWords: ReadonlySet<string> = new Set(
  'a an the is are was were do does did what which who whom whose when where why how of in on at to for from by with and or it its this that there tell me about please answer question document page'.split(
    ' ',
  ),
)

/** An answer to `question` in at most `charsMax` characters. */
export function answer(documents: readonly DocumentText[], question: string, charsMax: number): string {
  const asked = question.slice(0, questionCharsMax)
  const terms = termsOf(asked)
  const quotes = rank(chunksOf(documents), terms, pagesAsked(asked))
  const titles = documents.map(titleOf).join(', ').slice(0, 500)
  if (quotes.length === 0) {
    const heading = `No passage of ${titles} has the words of the question (${terms.slice(0, 12).join(', ')}). Ask with words that the document uses.`
    return quoteLines(heading, [], documents, charsMax)
  }
  return quoteLines(`The passages of ${titles} that fit the question best:`, quotes, documents, charsMax)
}

function termsOf(question: string): string[] {
  const all = [...new Set(wordsOf(question))]
  const telling = all.filter((word) => !questionWords.has(word))
  return telling.length > 0 ? telling : all
}

function pagesAsked(question: string): ReadonlySet<number> {
  const pages = [...question.matchAll(/(?:\bpages?|\bp\.|\bseite|\bpágina|第)\s*(\d{1,5})/giu)]
  return new Set(pages.map((match) => Number(match[1])))
}

/** Neighbouring sentences of one page, together as long as a quote may be; a paragraph of some length stays by itself. */
function chunksOf(documents: readonly DocumentText[]): Chunk[] {
  const chunks: Chunk[] = []
  for (const document of documents) {
    let open: Sentence | null = null
    const close = (): void => {
      if (open === null) return
      chunks.push({ document: document.name, page: open.page, text: open.text, words: wordsOf(open.text) })
    }
    for (const sentence of sentencesOf(document, 'all')) {
      if (chunks.length >= chunksMax) break
      if (open !== null && belongs(open, sentence)) {
        open = { ...sentence, text: `${open.text} ${sentence.text}` }
      } else {
        close()
        open = sentence
      }
    }
    close()
  }
  return chunks
}

function belongs(open: Sentence, next: Sentence): boolean {
  if (open.page !== next.page || open.text.length + next.text.length >= chunkCharsMax) return false
  return open.block === next.block || open.text.length < paragraphCharsMin
}

function rank(
  chunks: readonly Chunk[],
  terms: readonly string[],
  pages: ReadonlySet<number>,
): readonly Quote[] {
  const averageLength = chunks.reduce((sum, { words }) => sum + words.length, 0) / Math.max(1, chunks.length)
  const rarity = rarityOf(chunks, terms)
  const pageBonus = Math.max(1, ...rarity.values())
  const scored = chunks
    .map((chunk) => {
      const bonus = chunk.page !== null && pages.has(chunk.page) ? pageBonus : 0
      return { chunk, score: bm25(chunk, rarity, averageLength) + bonus }
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
  const best = scored[0]?.score ?? 0
  return scored
    .slice(0, quotesMax)
    .filter(({ score }) => score >= best * scoreShareMin)
    .map(({ chunk }) => chunk)
}

/** Inverse document frequency of each term; terms that occur nowhere are left out. */
function rarityOf(chunks: readonly Chunk[], terms: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>(terms.map((term) => [term, 0]))
  for (const { words } of chunks) {
    for (const word of new Set(words)) {
      const count = counts.get(word)
      if (count !== undefined) counts.set(word, count + 1)
    }
  }
  const found = [...counts].filter(([, count]) => count > 0)
  return new Map(
    found.map(([term, count]) => [term, Math.log(1 + (chunks.length - count + 0.5) / (count + 0.5))]),
  )
}

function bm25(chunk: Chunk, rarity: ReadonlyMap<string, number>, averageLength: number): number {
  const counts = new Map<string, number>()
  for (const word of chunk.words) if (rarity.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1)
  const norm = saturation * (1 - lengthWeight + (lengthWeight * chunk.words.length) / averageLength)
  let score = 0
  for (const [word, count] of counts) {
    score += ((rarity.get(word) ?? 0) * count * (saturation + 1)) / (count + norm)
  }
  return score
}
