// Every tool there is, one line each. The list never changes by itself: a tool without a provider stays and says what to set.

import { analyzeDocument } from './analyze-document.ts'
import { chat } from './chat.ts'
import { codeReview } from './code-review.ts'
import { result } from './result.ts'
import { listModels, status, version } from './server-facts.ts'
import { summarize } from './summarize.ts'
import type { Tool } from './tool.ts'
import { usage } from './usage.ts'
import { webSearch } from './web-search.ts'

/** The tools, in the order people see them. */
export const tools: readonly Tool[] = [
  chat,
  webSearch,
  codeReview,
  analyzeDocument,
  summarize,
  result,
  listModels,
  usage,
  version,
  status,
]
