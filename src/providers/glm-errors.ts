// GLM's error codes (providers.md 1.11). HTTP 429 has six meanings there, so the code in the body decides and the status is
// asked only when the code is unknown. Messages come in English or Chinese and are never matched, but for the time of a reset.

import { type Verdict, verdictByStatus } from './dialect/status-verdict.ts'
import type { WireError } from './dialect/wire-error.ts'
import { parseResetTime } from './retry-after.ts'

interface CodeRow {
  readonly codes: readonly string[]
  readonly verdict: Verdict
  /** It comes back by itself: at the time in the message, else at nobody knows when. */
  readonly hasReset?: boolean
}

const no = (code: Verdict['code']): Verdict => ({ code, retryable: false })
const yes = (code: Verdict['code']): Verdict => ({ code, retryable: true })

// A day or a window that is used up, where the vendor does not say until when. Nobody knows when the vendor's day begins, so one
// attempt an hour looks: it is refused at no cost, or finds the quota back.
const quotaProbeMs = 3_600_000

/** Every known code. Rows of accounts and plans are not retryable: the same account will answer the same. */
export const glmErrorRows: readonly CodeRow[] = [
  { codes: ['1000', '1001', '1002', '1003', '1004', '1005'], verdict: no('credential-rejected') },
  // Inactive, missing, locked, irregular use, unfair use: no other model and no other key of the account helps.
  { codes: ['1110', '1111', '1112', '1121', '1313'], verdict: no('account-blocked') },
  { codes: ['1113', '1309', '1314'], verdict: { ...no('quota-exhausted'), retryAfterMs: null } },
  { codes: ['1120'], verdict: yes('provider-error') },
  { codes: ['1210', '1213', '1214', '1215'], verdict: no('bad-request') },
  { codes: ['1211'], verdict: no('model-unknown') },
  {
    codes: ['1212'],
    verdict: {
      ...no('permission-denied'),
      words: ['does not do this with this model', 'Call listmodels for others.'],
    },
  },
  { codes: ['1220', '1311', '1315'], verdict: no('permission-denied') },
  // The API is offline, or is not there: for this model, nobody at the vendor will answer.
  {
    codes: ['1221', '1222'],
    verdict: {
      ...no('model-unknown'),
      words: ['no longer serves this here', 'Use another model or provider, and check the base URL.'],
    },
  },
  // 1231: the request id was used before. Each attempt has its own, so the next one passes.
  { codes: ['500', '-1', '1200', '1230', '1231', '1234'], verdict: yes('provider-error') },
  { codes: ['1261'], verdict: no('context-too-long') },
  { codes: ['1300', '1301'], verdict: no('content-filtered') },
  { codes: ['1302', '1701'], verdict: yes('concurrency-limited') },
  { codes: ['1303'], verdict: yes('rate-limited') },
  { codes: ['1305', '1312'], verdict: yes('overloaded') },
  {
    codes: ['1304', '1308', '1310', '1316', '1317', '1318', '1319', '1320', '1321'],
    verdict: no('quota-exhausted'),
    hasReset: true,
  },
  { codes: ['1702', '1703'], verdict: no('provider-error') },
]

const byCode: ReadonlyMap<string, CodeRow> = new Map(
  glmErrorRows.flatMap((row) => row.codes.map((code) => [code, row] as const)),
)

/** Times without a zone in GLM's messages are Beijing's. */
const zoneHours = 8

/** Verdict for one of GLM's errors; `wallMs` is now, for resets told as a time of day. */
export function classifyGlmError(error: WireError, wallMs: number): Verdict {
  // A wrong path is answered with code 500 and this text: the base URL is wrong, and stays so.
  if (error.message === '404 NOT_FOUND') {
    const words = ['has nothing at this address', 'Check its base URL in the config.'] as const
    return { ...no('provider-error'), words }
  }
  if (error.status === 434) return no('permission-denied')
  const row = error.code === null ? undefined : byCode.get(error.code)
  if (!row) return verdictByStatus(error)
  if (!row.hasReset) return row.verdict
  const toldMs = parseResetTime(error.message, wallMs, zoneHours) ?? error.retryAfterMs
  return { ...row.verdict, retryAfterMs: toldMs ?? quotaProbeMs }
}
