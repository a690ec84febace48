// The five jobs of a window, with the window's secret mark in each: same tools and same words otherwise, so that nothing
// but the mark tells one window's answers from another's.

import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import PDFDocument from 'pdfkit'
import type { ScriptedCall, Step } from './script.ts'

/** How long the simulator works on each job, in milliseconds: the brief's own times unless a flag says otherwise. */
export interface JobTimes {
  readonly search: number
  readonly pdf: number
  readonly review: number
  readonly chat: number
  readonly summary: number
  /** The call that is cancelled midway: longer than its window's patience. */
  readonly slow: number
}

/** Words in a prompt by which the simulator's pace rules know the job. */
export const jobWords: Readonly<Record<keyof JobTimes, string>> = {
  search: 'release notes of the project',
  pdf: 'Which code word does the report give',
  review: 'Does this function add',
  chat: 'Say why names matter',
  summary: 'The minutes of the weekly meeting',
  slow: 'Take your time',
}

/** Writes what the jobs read into the window's project folder: a real PDF and a text, both with the mark inside. */
export async function writeProjectFiles(project: string, mark: string): Promise<void> {
  writeFileSync(
    join(project, 'minutes.md'),
    `# ${jobWords.summary}\n\nWe agreed on the code word ${mark}.\n\nNext week we meet again.\n`,
  )
  const pdf = new PDFDocument({ info: { Title: 'Quarterly report' } })
  const file = createWriteStream(join(project, 'report.pdf'))
  pdf.pipe(file)
  pdf.fontSize(18).text('Quarterly report').moveDown()
  pdf
    .fontSize(11)
    .text('Nothing much happened in the first half of the quarter, and the second half was calmer still.')
  pdf.addPage().text(`The code word of this report is ${mark}. It is known to its readers alone.`)
  pdf.end()
  await finished(file)
}

/** The five calls of a window; the first four go out in one turn, the fifth in the next. */
export function jobCalls(
  server: string,
  project: string,
  mark: string,
): { readonly together: readonly ScriptedCall[]; readonly after: ScriptedCall } {
  const call = (
    job: keyof JobTimes,
    tool: string,
    input: Readonly<Record<string, unknown>>,
  ): ScriptedCall => ({
    job,
    tool: `mcp__${server}__${tool}`,
    input,
    expect: mark,
  })
  return {
    together: [
      call('search', 'web_search', { query: `${jobWords.search} ${mark}` }),
      call('pdf', 'analyze_document', { path: join(project, 'report.pdf'), question: `${jobWords.pdf}?` }),
      call('review', 'codereview', {
        text: `// ${jobWords.review}? ${mark}\nfunction add(a, b) {\n  return a - b\n}\n`,
      }),
      call('chat', 'chat', { prompt: `${jobWords.chat}, and repeat this one: ${mark}` }),
    ],
    after: call('summary', 'summarize', { path: join(project, 'minutes.md') }),
  }
}

/** A call that its window gives up on: it must fail there and leave nothing behind here. */
export function slowCall(server: string, mark: string): ScriptedCall {
  return {
    job: 'slow',
    tool: `mcp__${server}__chat`,
    input: { prompt: `${jobWords.slow}, ${mark}` },
    isError: true,
  }
}

/** A file of the window next door: it must not be read. */
export function trespassCall(server: string, foreignProject: string): ScriptedCall {
  return {
    job: 'trespass',
    tool: `mcp__${server}__analyze_document`,
    input: { path: join(foreignProject, 'report.pdf'), question: 'What does it say?' },
    isError: true,
  }
}

/** A turn of calls. */
export const turn = (...calls: readonly ScriptedCall[]): Step => ({ kind: 'calls', calls })
