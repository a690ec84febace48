// One fault, one situation, one call: what is armed, what is asked, and the whole answers that it is compared with.

import type { ControlPatch } from '../../simulator/control.ts'
import { type Vendor, vendors } from '../../simulator/vendors.ts'
import type { WindowCall } from '../support/window-call.ts'
import { chainOf, type FaultServer, type Meeting, modelOf, openFaultServer } from './fault-server.ts'
import type { Errand } from './rule.ts'

/** Once with somebody else to go to, for ever with, for ever without. */
export type Situation = 'once' | 'lasting' | 'alone'

/** The three, in the order in which they are printed. */
export const situations: readonly Situation[] = ['once', 'lasting', 'alone']

/** The one that does not fail. */
export const otherOf: Readonly<Record<Vendor, Vendor>> = { glm: 'kimi', kimi: 'glm' }

/** What nobody strikes: the text that a window is to read, and its tokens. */
export interface Whole {
  readonly text: string
  readonly tokens: number
}

const mark = 'OTTER-1947-QX'
// Enough of a pause to be one, and too little to wait for.
const shortMs: Readonly<Record<string, number>> = { 'slow-first-byte': 40, 'idle-gap': 40, 'slow-drip': 1 }
const operations: Readonly<Record<Errand, 'search' | 'extract' | undefined>> = {
  chat: undefined,
  search: 'search',
  document: 'extract',
}

/** Runs a call of `errand` at `vendor` while it does `fault` to it. */
export async function meet(
  vendor: Vendor,
  fault: string,
  errand: Errand,
  situation: Situation,
): Promise<Meeting> {
  const ms = shortMs[fault]
  const operation = operations[errand]
  const armed = {
    name: fault,
    times: situation === 'once' ? 1 : null,
    ...(operation === undefined ? {} : { operation }),
    ...(ms === undefined ? {} : { ms }),
  }
  const server = await openFaultServer({
    simulator: { [vendor]: { faults: [armed] } },
    ...(situation === 'alone' ? { known: [vendor] } : {}),
  })
  return told(server, vendor, fault, () => ask(server, errand, chatModel(vendor, situation)))
}

/** How often a fault strikes that no call should meet: one of each errand is made. */
export async function strikesOf(vendor: Vendor, fault: string): Promise<number> {
  const server = await openFaultServer({ simulator: { [vendor]: { faults: [fault] } }, known: [vendor] })
  try {
    for (const errand of ['chat', 'search', 'document'] as const)
      await server.outlast(ask(server, errand, modelOf[vendor]))
    return server.simulator.stats(0)[vendor].faults[fault] ?? 0
  } finally {
    await server.close()
  }
}

/** The whole answer of a vendor; null where it does not do that errand. */
export async function wholeOf(vendor: Vendor, errand: Errand): Promise<Whole | null> {
  if (errand === 'document' && vendor === 'glm') return null
  const simulator: ControlPatch = {}
  const server = await openFaultServer({ simulator, known: [vendor] })
  const { outcome, text, attempts } = await told(server, vendor, '', () =>
    ask(server, errand, modelOf[vendor]),
  )
  if (outcome !== `${vendor} answers`) throw new Error(`${vendor} does not even answer a ${errand}: ${text}`)
  return { text: bodyOf(text), tokens: attempts.at(-1)?.tokens ?? 0 }
}

/** An answer without the lines about it. */
export function bodyOf(text: string): string {
  return text.split('\n\n---\n')[0] ?? ''
}

// Asked for by its own name, a model gets no other: so it is alone even where others are set up.
function chatModel(vendor: Vendor, situation: Situation): string {
  return situation === 'alone' ? modelOf[vendor] : chainOf(vendor)
}

function ask({ window, home }: FaultServer, errand: Errand, model: string): WindowCall {
  switch (errand) {
    case 'chat':
      return window.call('chat', { model, prompt: `Say a few words, and end with the mark: ${mark}` })
    case 'search':
      return window.call('web_search', { query: mark, count: 3 })
    case 'document':
      return window.call('analyze_document', { path: `${home}/otter.doc`, question: `What of ${mark}?` })
  }
}

async function told(
  server: FaultServer,
  vendor: Vendor,
  fault: string,
  begin: () => WindowCall,
): Promise<Meeting> {
  try {
    const { text, meta, isError } = await server.outlast(begin())
    const tookMs = server.now()
    const strikes = server.simulator.stats(0)[vendor].faults[fault] ?? 0
    const facts = await server.close()
    return { ...facts, outcome: outcomeOf(meta, isError), text, strikes, tookMs }
  } catch (error) {
    await server.close()
    throw error
  }
}

function outcomeOf(meta: Readonly<Record<string, unknown>>, isError: boolean): string {
  const { provider } = (meta['exai/answer'] ?? {}) as { provider?: string }
  const { code } = (meta['exai/failure'] ?? {}) as { code?: string }
  const { reason } = (meta['exai/refusal'] ?? {}) as { reason?: string }
  if (!isError && vendors.some((vendor) => vendor === provider)) return `${provider} answers`
  return code ?? reason ?? 'an answer that says neither who nor why'
}
