// Every prompt there is, one line each.

import { challenge, compareModels, consensus, continueThread, secondOpinion } from './opinions.ts'
import type { Prompt } from './prompt.ts'
import { askDocument, research, reviewDiff, summarizeDocument } from './work.ts'

/** The prompts. */
export const prompts: readonly Prompt[] = [
  secondOpinion,
  compareModels,
  challenge,
  consensus,
  continueThread,
  reviewDiff,
  summarizeDocument,
  askDocument,
  research,
]
