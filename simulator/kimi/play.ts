// Kimi as the simulator plays it: its paths, its keys, its words. Keys are `sim-kimi-<account>…` (international) and
// `sim-kimi-cn-<account>…` (China); all keys of an account share its limits.

import { FileStore } from '../file-store.ts'
import { tokensOf } from '../json.ts'
import { promptOf } from '../prompt.ts'
import { json, type VendorPlay, type VendorRequest } from '../vendor-request.ts'
import { VendorRefusal } from '../wire.ts'
import { kimiChat } from './chat.ts'
import { kimiModelOf } from './chat-checks.ts'
import { kimiError, kimiLimit } from './errors.ts'
import { kimiFileRoutes } from './files.ts'
import { kimiFormulaRoutes } from './formulas.ts'
import { kimiModels } from './models.ts'

const keyPattern = /^sim-kimi-(?<account>(?:cn-)?[^-.]+)/
const bodyBytesMax = 101 * 1024 * 1024
const badKey = { status: 401, type: 'invalid_authentication_error', message: 'Invalid Authentication' }
const foreignKey = { status: 401, type: 'incorrect_api_key_error', message: 'Incorrect API key provided' }

/** Kimi, with a memory of its own for files. */
export function createKimi(): VendorPlay {
  const files = new FileStore()
  return {
    routes: [
      { method: 'POST', path: /^\/chat\/completions$/, operation: 'chat', handle: kimiChat },
      {
        method: 'POST',
        path: /^\/tokenizers\/estimate-token-count$/,
        operation: 'tokenize',
        handle: estimate,
      },
      { method: 'GET', path: /^\/users\/me\/balance$/, operation: 'balance', handle: balance },
      { method: 'GET', path: /^\/models$/, operation: 'models', handle: models },
      ...kimiFileRoutes(files),
      ...kimiFormulaRoutes,
    ],
    bodyBytesMax,
    authenticate(settings, headers) {
      const key = headers.authorization?.replace(/^Bearer /, '') ?? ''
      if (key === '') throw new VendorRefusal(kimiError(settings, badKey))
      const account = keyPattern.exec(key)?.groups?.account
      const region = account?.startsWith('cn-') ? 'china' : 'intl'
      const isForeign = settings.region !== 'any' && settings.region !== region
      if (!account || isForeign) throw new VendorRefusal(kimiError(settings, foreignKey))
      return { key, account }
    },
    limitError: (settings, account, refusal) => kimiError(settings, kimiLimit(account, refusal)),
    badJson: (settings) =>
      kimiError(settings, {
        status: 400,
        type: 'invalid_request_error',
        message: 'Invalid request: invalid JSON body',
      }),
    wrongPath: {
      status: 404,
      code: 'wrong-path',
      body: '{"error":{"message":"没找到对象","type":"resource_not_found_error"}}',
      contentType: 'application/json; charset=utf-8',
      headers: {},
    },
    headers: (serial) => ({ 'msh-request-id': `sim-${serial}`, 'x-trace-id': `trace-${serial}` }),
    forget: () => files.clear(),
  }
}

function estimate(request: VendorRequest) {
  kimiModelOf(request)
  const tokens = tokensOf(promptOf(request.body).text)
  return json(() => ({ data: { total_tokens: tokens } }))
}

function balance() {
  return json(() => ({
    code: 0,
    data: { available_balance: 49.58894, voucher_balance: 46.58893, cash_balance: 3.00001 },
    scode: '0x0',
    status: true,
  }))
}

function models() {
  const data = kimiModels.map((model) => ({
    id: model.id,
    object: 'model',
    created: 1_767_225_600,
    owned_by: 'moonshot',
    context_length: model.contextTokens,
    supports_image_in: model.isVision,
    supports_video_in: model.isVision,
    supports_reasoning: true,
  }))
  return json(() => ({ object: 'list', data }))
}
