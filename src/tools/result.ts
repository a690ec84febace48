// `result`: what became of calls whose answer did not reach this client. Lists them, and gives one by its call id.

import { z } from 'zod'
import { CallFailure } from '../domain/failure.ts'
import type { LateFact } from './late-fact.ts'
import { defineTool, type Tool } from './tool.ts'

const input = z.strictObject({
  call_id: z.string().max(64).optional().describe('The call whose answer you want; leave out to list them'),
})
const shownMax = 50

/** Late results of one's own. */
export const result: Tool = defineTool({
  name: 'result',
  title: 'Result',
  description:
    'Get the answer of a call that was cut off before its answer came (lost connection, time limit of the client). Without call_id: list what waits.',
  input,
  annotations: { readOnlyHint: true, openWorldHint: false, idempotentHint: true },
  pace: 'instant',
  async run({ call_id: callId }, context) {
    if (callId === undefined) return { content: [{ type: 'text', text: toList(context.late.list()) }] }
    const claimed = context.late.claim(callId)
    if (claimed !== null) return claimed
    const fact = context.late.list().find((each) => each.callId === callId)
    throw new CallFailure('not-found', { message: whyNone(callId, fact) })
  },
})

function toList(facts: readonly LateFact[]): string {
  if (facts.length === 0)
    return 'No result waits for you. Calls that you cancelled have none, and a restart of the server ends what waited.'
  const lines = facts.slice(-shownMax).map((fact) => `- ${fact.callId}: ${toLine(fact)}`)
  const more = facts.length - lines.length
  if (more > 0) lines.push(`and ${more} older ones`)
  return [
    'Calls of yours whose answer did not reach you. Call result with the call_id of one that waits:',
    ...lines,
  ].join('\n')
}

function toLine(fact: LateFact): string {
  const what = fact.about === '' ? fact.tool : `${fact.tool} "${fact.about}"`
  switch (fact.state) {
    case 'running':
      return `${what}, still running, since ${toSpan(fact.sinceMs)}`
    case 'waiting': {
      const kind = fact.isError ? 'failed' : `finished, ${fact.chars} characters`
      return `${what}, ${kind}, ${toSpan(fact.agoMs)} ago; waits another ${toSpan(fact.leftMs)}`
    }
    default:
      return `${what}, finished ${toSpan(fact.agoMs)} ago, but had to make room for others`
  }
}

function whyNone(callId: string, fact: LateFact | undefined): string {
  if (fact?.state === 'running') return `${callId} still runs: ask again in a few seconds.`
  if (fact?.state === 'forgotten') {
    return `The result of ${callId} was too long to be kept, or had to make room for newer ones. Make the call again if it is wanted.`
  }
  return `No result of yours with call_id ${callId} waits: it never was, was cancelled, its time is over, or the server was restarted since, which ends what waited. Call result without call_id to see what waits.`
}

function toSpan(ms: number): string {
  return ms < 90_000 ? `${Math.max(1, Math.round(ms / 1_000))} s` : `${Math.round(ms / 60_000)} min`
}
