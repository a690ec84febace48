// GLM as the simulator plays it: its paths, its keys, its words. Keys are `sim-glm-<account>…` (international) and
// `sim-glm-cn-<account>…` (China); everything after the account's word tells keys of one account apart.

import { FileStore } from '../file-store.ts'
import { tokensOf } from '../json.ts'
import { promptOf } from '../prompt.ts'
import { json, type Route, type VendorPlay, type VendorRequest } from '../vendor-request.ts'
import { VendorRefusal } from '../wire.ts'
import { glmChat } from './chat.ts'
import { glmModelOf } from './chat-checks.ts'
import { glmError, glmWrongPath, refuseGlm } from './errors.ts'
import { glmFileRoutes } from './files.ts'
import { glmIds, SeenRequestIds } from './ids.ts'
import { glmModels } from './models.ts'
import { reader } from './reader.ts'
import { webSearch } from './search.ts'

const keyPattern = /^sim-glm-(?<account>(?:cn-)?[^-.]+)/
const bodyBytesMax = 100 * 1024 * 1024

/** GLM, with a memory of its own for files and seen request ids. */
export function createGlm(): VendorPlay {
  const seen = new SeenRequestIds()
  const files = new FileStore()
  const once = (handle: Route['handle']) => (request: VendorRequest) => {
    seen.check(request)
    return handle(request)
  }
  return {
    routes: [
      { method: 'POST', path: /^\/chat\/completions$/, operation: 'chat', handle: once(glmChat) },
      { method: 'POST', path: /^\/web_search$/, operation: 'search', handle: once(webSearch) },
      { method: 'POST', path: /^\/reader$/, operation: 'read', handle: once(reader) },
      { method: 'POST', path: /^\/tokenizer$/, operation: 'tokenize', handle: once(tokenizer) },
      { method: 'GET', path: /^\/models$/, operation: 'models', handle: models },
      ...glmFileRoutes(files),
    ],
    bodyBytesMax,
    authenticate(settings, headers) {
      const header = headers.authorization
      if (!header) throw new VendorRefusal(glmError(settings, '1001'))
      const key = header.replace(/^Bearer /, '')
      const account = keyPattern.exec(key)?.groups?.account
      if (!account) throw new VendorRefusal(glmError(settings, '1000'))
      const region = account.startsWith('cn-') ? 'china' : 'intl'
      if (settings.region !== 'any' && settings.region !== region)
        throw new VendorRefusal(glmError(settings, '1000'))
      return { key, account }
    },
    limitError: (settings, _account, refusal) => {
      const codes = {
        concurrency: '1302',
        'search-concurrency': '1701',
        rpm: '1303',
        tpm: '1303',
        tpd: '1304',
      }
      return glmError(settings, codes[refusal.limit])
    },
    badJson: (settings) => glmError(settings, '1210', 'The request body is not valid JSON'),
    wrongPath: glmWrongPath,
    headers: (serial) => ({
      server: 'nginx',
      'set-cookie': `acw_tc=sim${serial};path=/;HttpOnly;Max-Age=1800`,
    }),
    forget() {
      seen.clear()
      files.clear()
    },
  }
}

function tokenizer(request: VendorRequest) {
  if (typeof request.body.model !== 'string') refuseGlm(request.settings, '1213', 'model: is required')
  glmModelOf(request)
  const prompt = promptOf(request.body)
  if (prompt.messages.length === 0) refuseGlm(request.settings, '1214', 'Input cannot be empty')
  const tokens = tokensOf(prompt.text)
  return json(() => ({ ...glmIds(request), usage: { prompt_tokens: tokens, total_tokens: tokens } }))
}

function models() {
  const data = glmModels.map(({ id }) => ({ id, object: 'model', created: 1_767_225_600, owned_by: 'z-ai' }))
  return json(() => ({ object: 'list', data }))
}
