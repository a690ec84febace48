// Finds out of a message's two ends what must be known to answer it: its id, and whether it has a method. Clients write both
// first or last, beside what is long, never in its midst.

import type { RpcId } from './passing-message.ts'

/** What stands at the edges of a message; null: not there. */
export interface MessageEdges {
  readonly id: RpcId | null
  readonly hasMethod: boolean
}

const member = String.raw`"(?:jsonrpc|id|method)"\s*:\s*(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*)`
// At the beginning nothing but the brace comes before. At the end a comma and a quote, unescaped, begin a member of the outermost
// object: inside a string the quote would be escaped, or be the string's last character, and no name follows that.
const atHead = new RegExp(String.raw`^\s*\{\s*(${member}(?:\s*,\s*${member})*)`)
const atTail = new RegExp(String.raw`((?:,\s*${member}\s*)+)\}\s*$`)

/** Reads the edges of a JSON-RPC message that is too long to be parsed. */
export function readEdges(head: string, tail: string): MessageEdges {
  const first = membersOf(atHead.exec(head)?.[1] ?? '')
  const last = membersOf((atTail.exec(tail)?.[1] ?? '').replace(/^,/, ''))
  const { id, method } = { ...first, ...last }
  return { id: typeof id === 'string' || typeof id === 'number' ? id : null, hasMethod: method !== undefined }
}

function membersOf(text: string): { readonly id?: unknown; readonly method?: unknown } {
  try {
    return JSON.parse(`{${text}}`) as { readonly id?: unknown; readonly method?: unknown }
  } catch {
    // Not JSON: then nobody can tell whose it is, and the answer names no request.
    return {}
  }
}
