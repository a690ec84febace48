// Extractive summary: the sentences that carry the most of a document's own words, in their order. Sentences are scored
// by frequent but not ubiquitous words and chosen greedily; words already covered count less, so quotes do not repeat
// one another (after SumBasic, Nenkova and Vanderwende 2005). Knows no language, needs no list of stop words.

import type { DocumentText } from '../../domain/document-text.ts'
import { type Quote, quoteLines, titleOf } from './quotes.ts'
import { type Sentence, sentencesOf } from './sentences.ts'
import { wordsOf } from './words.ts'

interface Scored extends Sentence {
  readonly order: number
  readonly words: readonly string[]
}

const sentencesConsidered = 50_000
const quotesMin = 3
const quotesMax = 12
const wordsMin = 5
const wordsMax = 70
/** A line this often, page numbers aside, is a header or footer. */
const repeatsMax = 3

/** Summary of each document, in at most `charsMax` characters together. */
export function summarize(documents: readonly DocumentText[], charsMax: number): string {
  const share = Math.floor(charsMax / Math.max(1, documents.length)) - 2
  return documents.map((document) => summaryOf(document, share)).join('\n\n')
}

function summaryOf(document: DocumentText, charsMax: number): string {
  const sentences = proseOf(document)
  const quotes = (sentences.length === 0 ? firstLines(document) : choose(sentences)).map(
    ({ text, page }): Quote => ({ document: document.name, page, text }),
  )
  const heading = `The most telling sentences of ${titleOf(document)}, in their order:`
  return quoteLines(heading, quotes, [document], charsMax)
}

/** Whole sentences without headers, footers and repetitions; if nothing else is left, with headers. */
function proseOf(document: DocumentText): Scored[] {
  const seen = new Set<string>()
  const shapes = new Map<string, number>()
  const prose: (Scored & { readonly shape: string })[] = []
  for (const sentence of sentencesOf(document, 'plain').slice(0, sentencesConsidered)) {
    const words = wordsOf(sentence.text)
    const letters = sentence.text.match(/[\p{L}\p{M}]/gu)?.length ?? 0
    if (words.length < wordsMin || words.length > wordsMax || letters < sentence.text.length * 0.5) continue
    const shape = words.filter((word) => !/^\d+$/.test(word)).join(' ')
    shapes.set(shape, (shapes.get(shape) ?? 0) + 1)
    if (seen.has(sentence.text)) continue
    seen.add(sentence.text)
    prose.push({ ...sentence, order: 0, words: [...new Set(words)], shape })
  }
  const unique = prose.filter(({ shape }) => (shapes.get(shape) ?? 0) <= repeatsMax)
  return (unique.length > 0 ? unique : prose).map((sentence, order) => ({ ...sentence, order }))
}

function choose(sentences: readonly Scored[]): readonly Scored[] {
  const weights = weightsOf(sentences)
  const wanted = Math.min(quotesMax, Math.max(quotesMin, Math.round(Math.sqrt(sentences.length))))
  const chosen = new Set<Scored>()
  while (chosen.size < Math.min(wanted, sentences.length)) {
    let best: Scored | null = null
    let bestScore = Number.NEGATIVE_INFINITY
    for (const sentence of sentences) {
      if (chosen.has(sentence)) continue
      const score = scoreOf(sentence, weights, sentences.length)
      if (score > bestScore) {
        best = sentence
        bestScore = score
      }
    }
    if (best === null) break
    chosen.add(best)
    for (const word of best.words) weights.set(word, (weights.get(word) ?? 0) * 0.3)
  }
  return [...chosen].sort((a, b) => a.order - b.order)
}

/** Frequent words say what a document is about; words in every tenth sentence or more only hold it together. */
function weightsOf(sentences: readonly Scored[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { words } of sentences) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  const total = sentences.length
  const weights = new Map<string, number>()
  for (const [word, count] of counts) {
    const isGlue = total >= 20 && count > total / 10
    weights.set(word, isGlue ? 0 : Math.sqrt(count) * Math.log(1 + total / count))
  }
  return weights
}

/** Long sentences hold more words but say no more for each; authors say first what matters. */
function scoreOf(sentence: Scored, weights: ReadonlyMap<string, number>, total: number): number {
  const sum = sentence.words.reduce((all, word) => all + (weights.get(word) ?? 0), 0)
  const lead = 1 + 0.3 * (1 - sentence.order / total)
  return (sum / sentence.words.length ** 0.8) * lead
}

/** For a document without a single sentence: its first lines. */
function firstLines(document: DocumentText): readonly Sentence[] {
  return sentencesOf(document, 'all').slice(0, quotesMin)
}
