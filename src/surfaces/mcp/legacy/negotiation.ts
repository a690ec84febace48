// `initialize`: which 2025-era revision a client and we speak, and what each offers.

import { isObject, type JsonObject } from '../envelope.ts'
import { featureCapabilities } from '../features/features.ts'
import type { ServerInfo } from '../mcp-options.ts'
import { legacyVersions } from '../protocol-versions.ts'

/** What a client said of itself when it initialised. */
export interface Negotiated {
  /** The revision both speak: the client's own where we know it, else our newest. */
  readonly version: string
  readonly capabilities: JsonObject
  readonly programName: string | undefined
}

/** Reads the params of `initialize`; a sentence when they are wrong. */
export function negotiate(params: JsonObject): Negotiated | string {
  const { protocolVersion, capabilities, clientInfo } = params
  if (typeof protocolVersion !== 'string') {
    return 'Invalid params: initialize needs "protocolVersion", such as "2025-11-25".'
  }
  if (capabilities !== undefined && !isObject(capabilities)) {
    return 'Invalid params: "capabilities" must be an object.'
  }
  const newest = legacyVersions[0] ?? protocolVersion
  return {
    version: legacyVersions.includes(protocolVersion) ? protocolVersion : newest,
    capabilities: capabilities ?? {},
    programName: isObject(clientInfo) && typeof clientInfo.name === 'string' ? clientInfo.name : undefined,
  }
}

/** The result of `initialize`, serialised. */
export function initializeResult(version: string, serverInfo: ServerInfo, instructions: string): string {
  return JSON.stringify({
    protocolVersion: version,
    capabilities: featureCapabilities,
    serverInfo,
    instructions,
  })
}
