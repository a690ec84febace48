// Vendor messages name organisations, projects and keys. They are masked here, before a message becomes an error, a log
// line or an answer. The key in use is masked wherever it stands, whole or in its parts.

const idPattern = /(?<![A-Za-z0-9])(ak|org|proj|sk)-(?=[A-Za-z0-9_-]*\d|[A-Za-z0-9_-]{6})[A-Za-z0-9_-]{3,}/g
const ownKeyPattern = /exai_[0-9A-Za-z]{6,}/g
const bearerPattern = /(bearer\s+)\S+/gi
const keyPartCharsMin = 8

/** `text` with ids (`ak-…`, `org-…`, `proj-…`, `sk-…`), our own keys, bearer tokens and the given key masked. */
export function redact(text: string, apiKey: string | null): string {
  let result = text
  if (apiKey !== null) {
    // A GLM key is `{id}.{secret}` and either half may be quoted alone.
    for (const secret of [apiKey, ...apiKey.split('.')])
      if (secret.length >= keyPartCharsMin) result = result.replaceAll(secret, '…')
  }
  return result.replace(idPattern, '$1-…').replace(ownKeyPattern, 'exai_…').replace(bearerPattern, '$1…')
}
