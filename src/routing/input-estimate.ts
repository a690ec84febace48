// How large a job is, in tokens, before any vendor has counted it: for rates, reservations, and rows of attempts whose vendor
// never said. Rather too much than too little: three bytes a token fits Chinese as well as English. A guess all the same: digits, hex and
// base64 are more. What money is set aside for is most-input.ts.

import type { Job } from '../providers/provider.ts'

const bytesPerToken = 3
const tokensPerImage = 1_500
// A search by a model's builtin writes an answer as long as this at most.
const searchOutputTokens = 8_192

/** Estimated input of a job. `bytes` is also what it weighs in memory while it waits. */
export function estimateInput(job: Job): { readonly tokens: number; readonly bytes: number } {
  if (job.kind === 'extract') return { tokens: 0, bytes: job.bytes.byteLength }
  if (job.kind !== 'generate') return { tokens: 0, bytes: 0 }
  let bytes = 0
  let images = 0
  for (const { content } of job.messages) {
    for (const part of typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content) {
      if (part.type === 'text') bytes += Buffer.byteLength(part.text)
      else images++
    }
  }
  for (const { passages } of job.documents ?? []) {
    for (const { text } of passages) bytes += Buffer.byteLength(text)
  }
  if (job.tools) bytes += Buffer.byteLength(JSON.stringify(job.tools))
  return { tokens: Math.ceil(bytes / bytesPerToken) + images * tokensPerImage, bytes }
}

/** The most output a job may ask for. */
export function outputCap(job: Job): number {
  if (job.kind === 'generate') return job.outputTokensMax
  return job.kind === 'search' ? searchOutputTokens : 0
}
