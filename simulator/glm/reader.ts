// GLM's reader: fetches a page and gives its text. The simulated page speaks about its own address.

import { hashOf } from '../json.ts'
import { type Handled, json, type VendorRequest } from '../vendor-request.ts'
import { refuseGlm } from './errors.ts'
import { glmIds } from './ids.ts'

/** POST /reader. */
export function reader(request: VendorRequest): Handled {
  const { body, settings } = request
  const url = typeof body.url === 'string' ? body.url : ''
  if (!/^https?:\/\/\S+$/.test(url)) refuseGlm(settings, '1214', 'url:The url is not valid')
  const format = body.return_format ?? 'markdown'
  if (format !== 'markdown' && format !== 'text')
    refuseGlm(settings, '1214', 'return_format:must be markdown or text')
  const text = `[simulated] This page (${hashOf(url)}) lives at ${url}. It was never fetched from any network.`
  return json(() => ({
    ...glmIds(request),
    model: 'reader',
    reader_result: {
      title: `Simulated page at ${url}`,
      description: `A simulated page at ${url}`,
      url,
      content: format === 'markdown' ? `# Simulated page\n\n${text}\n` : text,
      external: {},
      metadata: { lang: 'en' },
    },
  }))
}
