// Chats and the attempts at them, for tests of providers: said by what sets them apart.

import type { Attempt, GenerateJob } from './provider.ts'

/** The shortest chat with `model`, but for what `more` says. */
export function chatOf(model: string, more: Partial<GenerateJob> = {}): GenerateJob {
  return {
    kind: 'generate',
    model,
    task: 'chat',
    messages: [{ role: 'user', content: 'x' }],
    outputTokensMax: 500,
    ...more,
  }
}

/** An attempt that nobody breaks off, but for what `more` says. */
export function attemptOf(more: Partial<Attempt> = {}): Attempt {
  return { apiKey: 'sk-1', requestId: 'request-1', signal: new AbortController().signal, ...more }
}
