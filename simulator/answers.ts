// What the simulated models say. Deterministic, and made of the question: whatever secret mark a test hides in a prompt,
// a document, a search query or a tool result comes back in the answer, and no other client's can. Always marked as
// simulated.

import { hashOf, tokensOf } from './json.ts'

const headChars = 1200
const tailChars = 400
const marksMax = 40

/** What an answer is made of. */
export interface Question {
  readonly model: string
  /** All system messages: where Kimi's clients put documents. */
  readonly system: string
  /** The last user message. */
  readonly user: string
  /** The tool results after the last user message. */
  readonly toolResults: string
  /** Search results that the vendor itself added. */
  readonly sources: string
  readonly isThinking: boolean
  /** The answer is padded to at least this many characters. */
  readonly answerChars: number
}

/** Reasoning (empty without thinking) and answer. */
export interface Answer {
  readonly reasoning: string
  readonly content: string
}

/** Words that look like somebody's mark: eight characters or more, with a letter and a digit; those named so first. */
function marksOf(text: string): string[] {
  const words = text.match(/[A-Za-z0-9][A-Za-z0-9_-]{6,62}[A-Za-z0-9]/g) ?? []
  const marks = new Set(words.filter((word) => /[A-Za-z]/.test(word) && /[0-9]/.test(word)))
  const isNamed = (word: string) => /mark|secret/i.test(word)
  return [...marks].sort((a, b) => Number(isNamed(b)) - Number(isNamed(a))).slice(0, marksMax)
}

function quote(text: string): string {
  if (text.length <= headChars + tailChars) return text
  const head = text.slice(0, headChars)
  const tail = text.slice(-tailChars)
  const lost = marksOf(text.slice(headChars, -tailChars)).filter((mark) => !head.includes(mark))
  const marks = lost.length > 0 ? ` (in between: ${lost.join(', ')})` : ''
  return `${head} …${marks} … ${tail}`
}

/** The answer to a question; equal questions get equal answers. */
export function answerTo(question: Question): Answer {
  const parts = [
    `[simulated] This is ${question.model}, played by the simulator. You asked: ${quote(question.user)}`,
  ]
  if (question.system !== '') parts.push(`You gave me to read: ${quote(question.system)}`)
  if (question.toolResults !== '') parts.push(`The tools said: ${quote(question.toolResults)}`)
  if (question.sources !== '') parts.push(`The search found: ${quote(question.sources)}`)
  let content = parts.join('\n\n')
  const seed = hashOf(content)
  for (let line = 1; content.length < question.answerChars; line++) {
    content += `\n${line}. A simulated sentence (${seed}) that only makes this answer longer.`
  }
  return { reasoning: question.isThinking ? reasoningOf(question, seed) : '', content }
}

function reasoningOf(question: Question, seed: string): string {
  const about = question.user.slice(0, 80).replaceAll('\n', ' ')
  return `[simulated] Thinking (${seed}) about "${about}": what is asked, what is known, how to say it briefly.`
}

/** An answer cut to what a cap in tokens leaves; reasoning is charged first, as both vendors do. */
export function capped(answer: Answer, tokensMax: number | undefined): Answer & { readonly isCut: boolean } {
  if (tokensMax === undefined) return { ...answer, isCut: false }
  const reasoning = answer.reasoning.slice(0, tokensMax * 4)
  const content = answer.content.slice(0, Math.max(0, tokensMax - tokensOf(reasoning)) * 4)
  const isCut = reasoning.length < answer.reasoning.length || content.length < answer.content.length
  return { reasoning, content, isCut }
}

/** One search result, before a vendor gives it its own field names. */
export interface Finding {
  readonly title: string
  readonly text: string
  readonly link: string
  readonly site: string
  readonly date: string
}

/** `count` results for a query. Each contains the query. */
export function findingsFor(query: string, count: number): Finding[] {
  const seed = hashOf(query)
  return Array.from({ length: count }, (_, index) => ({
    title: `[simulated] Result ${index + 1} for ${query}`,
    text: `A simulated page (${seed}-${index + 1}) that speaks about: ${query}. It was never on any network.`,
    link: `https://simulated.example/${seed}/${index + 1}`,
    site: 'simulated.example',
    date: `2026-0${(index % 9) + 1}-15`,
  }))
}
