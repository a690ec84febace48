// GLM's own faults: every business code by its number, the causes people ask for by name, answers cut by the provider,
// and search results that are not what was asked.

import type { Fault, FaultTable } from '../faults.ts'
import { halfAnswer, planFault } from '../plan-faults.ts'
import { glmCodes, glmError, glmErrorBody } from './errors.ts'

function byCode(about: string, code: string, detail?: string): Fault {
  return {
    about,
    effect: { kind: 'refuse', error: ({ settings, message }) => glmError(settings, code, message ?? detail) },
  }
}

function status(about: string, http: number): Fault {
  return {
    about,
    operations: ['extract', 'files'],
    effect: {
      kind: 'refuse',
      error: (context) => ({ ...glmError(context.settings, '1220'), status: http, code: String(http) }),
    },
  }
}

const codes: FaultTable = Object.fromEntries(
  Object.entries(glmCodes).map(([code, row]) => [
    `code-${code}`,
    byCode(`HTTP ${row.status}, code ${code}: ${row.message}`, code),
  ]),
)

/** GLM's own faults. */
export const glmFaults: FaultTable = {
  ...codes,
  'server-error': byCode('HTTP 500 code 1230; with times 1 it is 500, then success', '1230'),
  'dead-key': byCode('HTTP 401 code 1002: the key is no longer valid', '1002'),
  'wrong-region': byCode('HTTP 401 code 1000: a key of the other region', '1000'),
  'quota-gone': byCode('HTTP 429 code 1113: no balance', '1113'),
  'dead-model': byCode('HTTP 400 code 1211: a model nobody knows', '1211'),
  'context-overflow': byCode('HTTP 400 code 1261: the prompt is too long', '1261'),
  'content-filter': byCode('HTTP 400 code 1301: unsafe content', '1301'),
  'error-in-200': {
    about: 'HTTP 200 whose body is an error object',
    effect: {
      kind: 'refuse',
      error: ({ settings }) => ({
        ...glmError(settings, '1234'),
        status: 200,
        body: glmErrorBody(settings, '1234', 'Network error, error id: sim-0002'),
      }),
    },
  },
  sensitive: planFault('HTTP 200, half of the answer, finish_reason sensitive', halfAnswer('sensitive')),
  'network-error': planFault(
    'HTTP 200, half of the answer, finish_reason network_error',
    halfAnswer('network_error'),
  ),
  'window-exceeded': planFault(
    'HTTP 200, half of the answer, finish_reason model_context_window_exceeded',
    halfAnswer('model_context_window_exceeded'),
  ),
  'search-count': {
    about: 'seven results more than were asked for',
    operations: ['chat', 'search'],
    effect: {
      kind: 'findings',
      change: (findings) => [
        ...findings,
        ...findings.concat(findings, findings, findings, findings, findings, findings).slice(0, 7),
      ],
    },
  },
  'search-empty': {
    about: 'an empty array of search results and a normal answer',
    operations: ['chat', 'search'],
    effect: { kind: 'findings', change: () => [] },
  },
  'search-no-link': {
    about: 'search results whose link is the empty string',
    operations: ['chat', 'search'],
    effect: { kind: 'findings', change: (findings) => findings.map((finding) => ({ ...finding, link: '' })) },
  },
  'files-forbidden': status('HTTP 434: the key has no permission for files', 434),
  'file-too-large': status('HTTP 435: the file is over 100 MB', 435),
}
