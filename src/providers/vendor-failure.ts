// A vendor's error becomes a `CallFailure` here and nowhere else: a sentence for a person, masked, with what to do next.

import { CallFailure, type FailureCode } from '../domain/failure.ts'
import type { Verdict, VerdictWords } from './dialect/status-verdict.ts'
import type { WireError } from './dialect/wire-error.ts'
import { redact } from './redact.ts'

/** Who is speaking and how its errors are read. `name` is the provider's name in the config. */
export interface Vendor {
  readonly name: string
  classify(error: WireError): Verdict
  /** How many requests at once it says it takes, where its refusals do. */
  concurrencyTold?(error: WireError): number | null
}

const sentences: Partial<Record<FailureCode, VerdictWords>> = {
  'concurrency-limited': ['has too many requests of this account at once', 'Try again in a moment.'],
  'rate-limited': ['is asked too often by this account', 'Wait a little, then try again.'],
  overloaded: ['is overloaded for everybody', 'Try again in a moment, or use another provider.'],
  'quota-exhausted': [
    "says that this account's balance or plan is used up",
    'Recharge the account or renew its plan at the vendor, or use another provider.',
  ],
  'account-blocked': [
    'does not serve this account',
    "Check the account at the vendor's console, or use another provider.",
  ],
  'credential-rejected': [
    'rejects the API key',
    'Check that the key is whole and belongs to the region of the base URL.',
  ],
  'permission-denied': [
    'does not allow this account to do that',
    "Check the account's plan and rights at the vendor.",
  ],
  'model-unknown': ['does not know this model', 'Call listmodels for the names that work.'],
  'context-too-long': ['says that the input does not fit the model', 'Shorten the input.'],
  'content-filtered': ['refused the content', 'Rephrase the request.'],
  'bad-request': ['did not accept the request', 'Change the request; the same one will fail again.'],
  timeout: ['took too long', 'Try again.'],
  'provider-error': ['failed on its side', 'Try again, or use another provider.'],
}

// Nobody has to pay for a quota that comes back by itself.
const untilReset: VerdictWords = [
  'says that a quota of this account is used up until its reset',
  'Wait for the reset, or use another provider.',
]

const messageCharsMax = 300

/** The failure for `error` under the vendor's verdict. The key is given only so that it can be masked. */
export function toVendorFailure(vendor: Vendor, error: WireError, apiKey: string | null): CallFailure {
  const verdict = vendor.classify(error)
  const retryAfterMs = verdict.retryAfterMs === undefined ? error.retryAfterMs : verdict.retryAfterMs
  const [happened, advice] = verdict.words ?? wordsFor(verdict.code, retryAfterMs)
  const marks = [`HTTP ${error.status}`]
  if (error.code !== null) marks.push(`code ${error.code}`)
  if (error.type !== null) marks.push(error.type)
  if (error.param !== null) marks.push(`parameter ${error.param}`)
  const said = redact(error.message, apiKey).replace(/\s+/g, ' ').trim()
  const excerpt = said.length > messageCharsMax ? `${said.slice(0, messageCharsMax)}…` : said
  const where = redact(marks.join(', '), apiKey)
  const quoted = excerpt === '' ? '' : ` It said: "${excerpt}".`
  return new CallFailure(verdict.code, {
    message: `The provider ${vendor.name} ${happened} (${where}).${quoted} ${advice}`,
    retryable: verdict.retryable,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
    detail: `${where}: ${excerpt}`,
    isVendors: true,
  })
}

function wordsFor(code: FailureCode, retryAfterMs: number | null): VerdictWords {
  if (code === 'quota-exhausted' && retryAfterMs !== null) return untilReset
  return sentences[code] ?? ['failed', 'Try again.']
}
