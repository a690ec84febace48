// The per-request `_meta` of 2026-07-28: which version the client speaks and what it can. Source: the specification's
// basic/index ("Per-request protocol fields") and basic/versioning.

import { isMessageLevel, type MessageLevel, messageLevels } from '../../../domain/message-level.ts'
import { isObject, type JsonObject, rpcCode } from '../envelope.ts'
import { metaKey, modernVersion, modernVersions } from '../protocol-versions.ts'

/** An error of this revision, with the HTTP status it demands. */
export interface ModernRejection {
  readonly status: number
  readonly code: number
  readonly message: string
  readonly data?: JsonObject
}

/** Codes this revision reserves. */
export const modernCode = {
  headerMismatch: -32020,
  missingClientCapability: -32021,
  unsupportedVersion: -32022,
} as const

/** What a request says of its client. */
export interface RequestMeta {
  readonly version: string
  readonly capabilities: JsonObject
  /** null: it wants no messages of this request. */
  readonly logLevel: MessageLevel | null
}

/** True for a rejection. */
export function isRejection(value: object): value is ModernRejection {
  return 'code' in value
}

/** Reads `_meta`; a missing or wrong field is -32602 with HTTP 400. The version is checked by `checkVersion`. */
export function readRequestMeta(params: JsonObject): RequestMeta | ModernRejection {
  const meta = params._meta
  if (!isObject(meta)) {
    return invalidMeta(`"_meta" with ${metaKey.protocolVersion} and ${metaKey.clientCapabilities} is missing`)
  }
  const version = meta[metaKey.protocolVersion]
  const capabilities = meta[metaKey.clientCapabilities]
  if (typeof version !== 'string') return invalidMeta(`"_meta" needs ${metaKey.protocolVersion}, a string`)
  if (!isObject(capabilities)) {
    return invalidMeta(`"_meta" needs ${metaKey.clientCapabilities}, an object (may be empty)`)
  }
  const logLevel = meta[metaKey.logLevel]
  if (logLevel !== undefined && !isMessageLevel(logLevel)) {
    return invalidMeta(`${metaKey.logLevel} must be one of ${messageLevels.join(', ')}`)
  }
  return { version, capabilities, logLevel: logLevel ?? null }
}

/** null, or the rejection that names the versions to choose from. */
export function checkVersion(version: string): ModernRejection | null {
  if (version === modernVersion) return null
  return {
    status: 400,
    code: modernCode.unsupportedVersion,
    message: `Unsupported protocol version ${JSON.stringify(version.slice(0, 40))}. Supported without a session: ${modernVersions.join(', ')}; older ones begin with "initialize".`,
    data: { supported: modernVersions, requested: version.slice(0, 256) },
  }
}

function invalidMeta(what: string): ModernRejection {
  return { status: 400, code: rpcCode.invalidParams, message: `Invalid params: ${what}.` }
}
