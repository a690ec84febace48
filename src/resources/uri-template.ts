// URIs of resources and the templates of families: RFC 6570, level 1, one variable that is one path segment. Untrusted URIs are
// matched whole; what does not fit is simply nothing of ours.

const templateForm = /^([^{}]*)\{([a-z]+)\}([^{}]*)$/
const uriCharsMax = 512
// What a segment may hold unescaped (RFC 3986, unreserved), or an escape.
const segmentForm = /^(?:[A-Za-z0-9\-._~]|%[0-9A-Fa-f]{2})+$/

/** A template taken apart, or a plain URI, whose `variable` is null. */
export interface UriShape {
  readonly before: string
  readonly variable: string | null
  readonly after: string
}

/** Takes a template of ours apart. */
export function parseTemplate(uri: string): UriShape {
  const [, before, variable, after] = templateForm.exec(uri) ?? []
  return variable === undefined
    ? { before: uri, variable: null, after: '' }
    : { before: before ?? '', variable, after: after ?? '' }
}

/** The variable's value in `uri`, the empty string where the shape has none; null when it does not fit. */
export function matchUri(shape: UriShape, uri: string): string | null {
  if (uri.length > uriCharsMax) return null
  if (shape.variable === null) return uri === shape.before ? '' : null
  const { before, after } = shape
  if (!uri.startsWith(before) || !uri.endsWith(after)) return null
  const segment = uri.slice(before.length, uri.length - after.length)
  if (uri.length <= before.length + after.length || !segmentForm.test(segment)) return null
  try {
    return decodeURIComponent(segment)
  } catch {
    // Escapes that are no UTF-8 name nothing.
    return null
  }
}

/** The one spelling of a URI: nothing is escaped that need not be, and the rest in capitals. What is longer than any of ours stays. */
export function canonicalUri(uri: string): string {
  if (uri.length > uriCharsMax) return uri
  return uri.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return encodeURIComponent(decodeURIComponent(escapes))
    } catch {
      // No UTF-8: it names nothing of ours.
      return escapes
    }
  })
}

/** The URI of one member of a family. */
export function expandUri(shape: UriShape, value: string): string {
  return shape.variable === null ? shape.before : `${shape.before}${encodeURIComponent(value)}${shape.after}`
}
