// What the official suite looks at that a WebSocket or a bridge does not have. Over HTTP nothing is exempt.

/** A scenario, or only its checks of a kind, that says nothing about another door than HTTP. */
export interface Exemption {
  readonly scenario: string
  /** Absent: the whole scenario. */
  readonly checks?: RegExp
  readonly reason: string
}

/** Of a WebSocket. */
export const webSocketExemptions: readonly Exemption[] = [
  {
    scenario: 'server-stateless',
    checks: /-http-/,
    reason: 'statuses and headers are HTTP’s; the codes beside them are looked at over HTTP',
  },
  { scenario: 'http-header-validation', reason: 'a frame has no headers' },
  { scenario: 'http-custom-header-server-validation', reason: 'a frame has no headers' },
  {
    scenario: 'server-session-lifecycle',
    reason: 'a connection is its own session: ids, DELETE and 404 would be the relay’s',
  },
  {
    scenario: 'server-sse-polling',
    reason: 'event streams that end and are taken up again are HTTP’s',
  },
]

/** Of a bridge, which speaks stdio to its client. */
export const bridgeExemptions: readonly Exemption[] = [
  ...webSocketExemptions,
  {
    scenario: 'dns-rebinding-protection',
    checks: /^localhost-host-rebinding-rejected$/,
    reason: 'a pipe has no Host and no Origin',
  },
]
