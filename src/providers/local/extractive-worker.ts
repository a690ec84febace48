// The worker of the `local` provider: ranking four million characters takes seconds, and the event loop has none.

import type { DocumentText } from '../../domain/document-text.ts'
import { answerTasks } from '../../lib/worker-tasks.ts'
import { answer } from './answer.ts'
import { summarize } from './summarize.ts'

/** What to do with documents; `question` is null for a summary. */
export interface ExtractiveTask {
  readonly documents: readonly DocumentText[]
  readonly question: string | null
  readonly charsMax: number
}

answerTasks(({ documents, question, charsMax }: ExtractiveTask): string =>
  question === null ? summarize(documents, charsMax) : answer(documents, question, charsMax),
)
