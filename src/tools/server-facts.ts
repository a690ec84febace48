// The three tools about the server itself: they need no vendor, answer at once, and never show another caller's data.

import { z } from 'zod'
import { standingLines } from '../admission/quota-standing.ts'
import { defineTool, type Tool } from './tool.ts'

const nothing = z.strictObject({})
const modelsShownMax = 64

const annotations = { readOnlyHint: true, openWorldHint: false, idempotentHint: true } as const

/** Models by provider. */
export const listModels: Tool = defineTool({
  name: 'listmodels',
  title: 'List models',
  description: 'List the AI models and names that chat and the other tools can use, and which rest now.',
  input: nothing,
  annotations,
  pace: 'instant',
  async run(_args, context) {
    const lines = context.facts
      .providers()
      .map(({ name, missing, models }) =>
        missing === null
          ? `${name}: ${shown(models) || 'any model name'}`
          : `${name}: not set up. ${missing}`,
      )
    const { names, resting } = context.facts.models()
    const named = names.map(({ name, models }) => `${name}: ${models.join(', then ')}`)
    const rests = resting.map(({ provider, says, waitMs }) => {
      const when = waitMs === null ? '' : `, again in about ${Math.max(1, Math.ceil(waitMs / 1000))} s`
      return `${provider}: ${says}${when}`
    })
    const parts = [
      ...lines,
      ...(named.length === 0
        ? []
        : ['', 'Names and what they stand for, in the order they are tried:', ...named]),
      ...(rests.length === 0 ? [] : ['', 'Better not asked at the moment:', ...rests]),
    ]
    return { content: [{ type: 'text', text: parts.join('\n') }] }
  },
})

function shown(models: readonly string[]): string {
  const more = models.length - modelsShownMax
  return `${models.slice(0, modelsShownMax).join(', ')}${more > 0 ? `, and ${more} more` : ''}`
}

/** The server's version. */
export const version: Tool = defineTool({
  name: 'version',
  title: 'Version',
  description: 'Tell which version of the EX-AI server answers.',
  input: nothing,
  annotations,
  pace: 'instant',
  async run(_args, context) {
    return { content: [{ type: 'text', text: `exai-mcp-server ${context.facts.version}` }] }
  },
})

/** How busy the server is, and who this caller is to it. */
export const status: Tool = defineTool({
  name: 'status',
  title: 'Status',
  description: 'Show how busy the server is: windows connected, calls running, who waits for which provider.',
  input: nothing,
  annotations,
  pace: 'instant',
  async run(_args, context) {
    const load = context.facts.load()
    const queues = Object.entries(load.groups).map(
      ([group, { held, capacity, waiting }]) =>
        `${group}: ${held} of ${capacity} slots busy, ${waiting} waiting`,
    )
    const late = context.late.list().filter(({ state }) => state !== 'forgotten').length
    const lines = [
      `exai-mcp-server ${context.facts.version}, up ${Math.round(load.uptimeMs / 1000)} s`,
      `You are ${context.identity.label}.`,
      `${load.clients} clients, ${load.callsInFlight} calls in flight (this one included)`,
      ...standingLines(context.quotas()),
      ...(late > 0 ? [`Calls of yours whose answer did not reach you: ${late}. Call result.`] : []),
      ...(queues.length > 0 ? queues : ['No vendor request has been made yet.']),
    ]
    return { content: [{ type: 'text', text: lines.join('\n') }] }
  },
})
