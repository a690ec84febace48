// Kimi's own faults: each wording of 429, quota and account news, the errors of models and files, fibers that fail.

import type { Fault, FaultContext, FaultTable } from '../faults.ts'
import type { LimitRefusal } from '../limits.ts'
import { halfAnswer, planFault } from '../plan-faults.ts'
import { type KimiErrorSpec, kimiAccount, kimiError, kimiLimit, kimiUnknownModel } from './errors.ts'

function refuse(about: string, spec: KimiErrorSpec | ((context: FaultContext) => KimiErrorSpec)): Fault {
  return {
    about,
    effect: {
      kind: 'refuse',
      error: (context) => {
        const words = typeof spec === 'function' ? spec(context) : spec
        return kimiError(context.settings, { ...words, message: context.message ?? words.message })
      },
    },
  }
}

function limited(about: string, refusal: LimitRefusal): Fault {
  return refuse(about, (context) => kimiLimit(context.account, refusal))
}

const overloaded: KimiErrorSpec = {
  status: 429,
  type: 'engine_overloaded_error',
  message: 'The engine is currently overloaded, please try again later',
}
const quota = 'exceeded_current_quota_error'
const tooMany = "We're receiving too many requests at the moment. Please wait and try again."
const badRequest = (message: string): KimiErrorSpec => ({
  status: 400,
  type: 'invalid_request_error',
  message,
})

/** Kimi's own faults. */
export const kimiFaults: FaultTable = {
  'limit-concurrency': limited('429: organization max concurrency', {
    limit: 'concurrency',
    max: 1,
    current: 2,
    retryAfterMs: 1000,
  }),
  'limit-rpm': limited('429: max RPM', { limit: 'rpm', max: 3, current: 4, retryAfterMs: 1000 }),
  'limit-tpm': limited('429: TPM rate limit', {
    limit: 'tpm',
    max: 500_000,
    current: 500_123,
    retryAfterMs: 30_000,
  }),
  'limit-tpd': limited('429: TPD rate limit', {
    limit: 'tpd',
    max: 1_500_000,
    current: 1_500_123,
    retryAfterMs: 3_600_000,
  }),
  'limit-project': refuse('429: the newer words, project TPM', ({ account }) => ({
    status: 429,
    type: 'rate_limit_reached_error',
    message: `Your account org-${account} / proj-${account} <ak-${account}> request reached project TPM rate limit, current:500123, limit:500000`,
    label: 'rate_limit_reached_error:project',
  })),
  'too-many-requests': refuse('429: another wording of too many requests', {
    status: 429,
    type: 'rate_limit_reached_error',
    message: tooMany,
    label: 'rate_limit_reached_error:too-many',
  }),
  overloaded: refuse('429 engine_overloaded_error without Retry-After', overloaded),
  'overloaded-retry-after': refuse('429 engine_overloaded_error with Retry-After: 2', {
    ...overloaded,
    headers: { 'retry-after': '2' },
  }),
  'quota-gone': refuse('429: the token quota is exceeded', ({ account }) => ({
    status: 429,
    type: quota,
    message: `You exceeded your current token quota: <org-${account}> 0.00, please check your account balance`,
  })),
  'account-suspended': refuse('429: the account is suspended', ({ account }) => ({
    status: 429,
    type: quota,
    message: `${kimiAccount(account)} is suspended, please check your plan and billing details`,
    label: `${quota}:suspended`,
  })),
  'account-no-balance': refuse('429: suspended due to insufficient balance', ({ account }) => ({
    status: 429,
    type: quota,
    message: `${kimiAccount(account)} is suspended due to insufficient balance, please recharge your account or check your plan and billing details`,
    label: `${quota}:balance`,
  })),
  'server-error': refuse('HTTP 500 unexpected_output; with times 1 it is 500, then success', {
    status: 500,
    type: 'unexpected_output',
    message: 'invalid state transition',
  }),
  'extract-failed': refuse('HTTP 500: a file could not be extracted', {
    status: 500,
    type: 'server_error',
    message: 'Failed to extract file: unexpected end of data',
  }),
  unavailable: refuse('HTTP 503 server_unavailable', {
    status: 503,
    type: 'server_unavailable',
    message: 'The server is currently unavailable',
  }),
  'client-closed': refuse('HTTP 499 client_closed_request', {
    status: 499,
    type: 'client_closed_request',
    message: 'Client closed request',
  }),
  'dead-key': refuse('HTTP 401: the key is not valid', {
    status: 401,
    type: 'invalid_authentication_error',
    message: 'Invalid Authentication',
  }),
  'wrong-region': refuse('HTTP 401: a key of the other region', {
    status: 401,
    type: 'incorrect_api_key_error',
    message: 'Incorrect API key provided',
  }),
  'permission-denied': refuse('HTTP 403: the API is not open', {
    status: 403,
    type: 'permission_denied_error',
    message: 'The API you are accessing is not open',
  }),
  'dead-model': refuse('HTTP 404: the model is gone', (context) => kimiUnknownModel(context.model)),
  'context-overflow': refuse(
    'HTTP 400: over the model token limit',
    badRequest('Invalid request: Your request exceeded model token limit : 262144'),
  ),
  'context-overflow-input': refuse(
    'HTTP 400: the input alone is too long',
    badRequest('Input token length too long'),
  ),
  'content-filter': refuse('HTTP 400: rejected as high risk', {
    status: 400,
    type: 'content_filter',
    message: 'The request was rejected because it was considered high risk',
  }),
  'files-full': refuse(
    'HTTP 400: the account holds too many files',
    badRequest(
      'The number of files you have uploaded exceeded the max file count 1000, please delete previous uploaded files',
    ),
  ),
  'error-in-200': refuse('HTTP 200 whose body is an error object', {
    status: 200,
    type: 'server_error',
    message: 'The engine failed before the answer',
  }),
  'filter-finish': planFault(
    'HTTP 200, half of the answer, finish_reason content_filter',
    halfAnswer('content_filter'),
  ),
  'fiber-failed': {
    about: 'a fiber that ends with status failed and an error in its context',
    operations: ['formula'],
    effect: {
      kind: 'body',
      change: (body) => ({
        ...body,
        status: 'failed',
        context: { error: 'the formula ran into a timeout' },
        error: 'the formula ran into a timeout',
      }),
    },
  },
  'fiber-unknown': {
    about: 'a fiber with a status nobody documents',
    operations: ['formula'],
    effect: { kind: 'body', change: (body) => ({ ...body, status: 'pending', context: {} }) },
  },
}
