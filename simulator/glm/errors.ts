// GLM's errors: business codes with their HTTP status and words, and the envelopes they come in. GLM reports six kinds
// of bad news as 429: only the code tells them apart. No Retry-After is documented; a switch can add one.

import type { VendorSettings } from '../settings.ts'
import { VendorRefusal, type WireError } from '../wire.ts'

interface CodeRow {
  readonly status: number
  readonly message: string
  readonly zh?: string
}

/** Codes of GLM with HTTP status and message. */
export const glmCodes: Readonly<Record<string, CodeRow>> = {
  '-1': { status: 500, message: 'API call error' },
  '500': { status: 500, message: 'Internal server error' },
  '1000': { status: 401, message: 'Authentication Failed', zh: '身份验证失败' },
  '1001': { status: 401, message: 'Authentication parameter not received in Header' },
  '1002': { status: 401, message: 'Authentication Token is invalid' },
  '1003': { status: 401, message: 'Authentication Token has expired' },
  '1004': { status: 401, message: 'Authentication with the provided Token failed' },
  '1005': { status: 401, message: 'Two-factor authentication is required' },
  '1110': {
    status: 401,
    message: 'Your account is currently inactive. Please check your account information',
  },
  '1111': { status: 401, message: 'Your account does not exist' },
  '1112': { status: 401, message: 'Your account has been locked. Please contact customer service to unlock' },
  '1113': {
    status: 429,
    message: 'Insufficient balance or no resource package. Please recharge.',
    zh: '余额不足或无可用资源包,请充值。',
  },
  '1120': {
    status: 503,
    message: 'Unable to successfully access your account temporarily. Please try again later',
  },
  '1121': { status: 401, message: 'Your account has been locked for irregular use' },
  '1200': { status: 500, message: 'API call error' },
  '1210': { status: 400, message: 'Invalid API parameters. Please check the documentation.' },
  '1211': {
    status: 400,
    message: 'Unknown Model, please check the model code.',
    zh: '模型不存在，请检查模型代码。',
  },
  '1212': { status: 400, message: 'Current model does not support this call method' },
  '1213': { status: 400, message: 'A required parameter was not received properly' },
  '1214': { status: 400, message: 'The parameter is illegal' },
  '1215': { status: 400, message: 'Two of the parameters cannot be set at the same time' },
  '1220': { status: 403, message: 'You do not have permission to access this model' },
  '1221': { status: 404, message: 'The API has been taken offline' },
  '1222': { status: 404, message: 'The API does not exist' },
  '1230': { status: 500, message: 'API call process error' },
  '1231': { status: 400, message: 'A request with this request_id already exists' },
  '1234': { status: 500, message: 'Network error, error id: sim-0001, please contact customer service' },
  '1261': { status: 400, message: 'Prompt exceeds max length' },
  '1300': { status: 400, message: 'API call blocked by policy' },
  '1301': {
    status: 400,
    message: 'System detected potentially unsafe or sensitive content in input or generation.',
  },
  '1302': {
    status: 429,
    message: 'Rate limit reached for requests',
    zh: '您的账户已达到速率限制，请您控制请求频率',
  },
  '1303': {
    status: 429,
    message: 'High frequency usage of this API. Please reduce the frequency or contact customer service',
  },
  '1304': { status: 429, message: 'Daily call limit for this API has been reached' },
  '1305': { status: 429, message: 'The service may be temporarily overloaded, please try again later' },
  '1308': {
    status: 429,
    message: 'Usage limit reached for 5 hour. Your limit will reset at 2026-12-31 23:59:59',
  },
  '1309': { status: 429, message: 'Your GLM Coding Plan package has expired' },
  '1310': {
    status: 429,
    message: 'Weekly/Monthly Limit Exhausted. Your limit will reset at 2026-12-31 23:59:59',
  },
  '1311': { status: 429, message: 'Your current subscription plan does not include access to this model' },
  '1312': {
    status: 429,
    message: 'The model is currently busy. Please try again later or use another model',
  },
  '1313': { status: 429, message: 'Your account usage violates the fair use policy' },
  '1314': { status: 429, message: 'Your enterprise plan has expired' },
  '1315': { status: 429, message: 'This key is outside the scope of the plan' },
  '1316': { status: 429, message: 'The 5-hour quota is used up and there is no extra balance' },
  '1317': { status: 429, message: 'The 7-day quota is used up and there is no extra balance' },
  '1318': { status: 429, message: 'The 5-hour quota is used up and extra usage is off' },
  '1319': { status: 429, message: 'The 7-day quota is used up and extra usage is off' },
  '1320': { status: 429, message: 'The spending cap of this account is reached' },
  '1321': { status: 429, message: 'The monthly spending cap is reached' },
  '1701': { status: 429, message: 'The number of concurrent searches is over the limit' },
  '1702': { status: 429, message: 'No search engine is available' },
  '1703': { status: 429, message: 'The search engine returned no valid data' },
}

/** Codes whose HTTP status the sources disagree about. */
const accountCodes = new Set(['1110', '1111', '1112', '1121'])

/** The body of an error in the envelope that the switches ask for. */
export function glmErrorBody(settings: VendorSettings, code: string, message: string): string {
  const wireCode = settings.switches['error-code'] === 'integer' ? Number(code) : code
  const error = { code: wireCode, message }
  switch (settings.switches['error-envelope']) {
    case 'flat':
      return JSON.stringify(error)
    case 'nested-request-id':
      return JSON.stringify({ error, request_id: '20261122000000000000000000000000' })
    default:
      return JSON.stringify({ error })
  }
}

/** The error for a code; `detail` replaces the usual message. */
export function glmError(settings: VendorSettings, code: string, detail?: string): WireError {
  const row = glmCodes[code] ?? { status: 500, message: 'Internal server error' }
  const isZh = settings.switches['error-language'] === 'zh'
  const status = accountCodes.has(code) ? Number(settings.switches['account-status']) : row.status
  return {
    status,
    code,
    body: glmErrorBody(settings, code, detail ?? (isZh ? row.zh : undefined) ?? row.message),
    contentType: 'application/json; charset=UTF-8',
    headers: {},
  }
}

/** Throws GLM's error for a code. */
export function refuseGlm(settings: VendorSettings, code: string, detail?: string): never {
  throw new VendorRefusal(glmError(settings, code, detail))
}

/** A path nobody serves: a flat body of another shape altogether. */
export const glmWrongPath: WireError = {
  status: 404,
  code: 'wrong-path',
  body: '{"code":500,"msg":"404 NOT_FOUND","success":false}',
  contentType: 'application/json',
  headers: {},
}
