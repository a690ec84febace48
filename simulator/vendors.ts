// The words of the simulator: which vendors it plays and what can be asked of them.
// Everything else here is keyed by these two unions.

/** The vendors the simulator plays, each under its own path prefix on one port. */
export const vendors = ['glm', 'kimi'] as const
/** One of the vendors the simulator plays. */
export type Vendor = (typeof vendors)[number]

/** What a request asks for, whatever the vendor calls its path. `other` is a path nobody serves. */
export const operations = [
  'chat',
  'search',
  'read',
  'extract',
  'files',
  'formula',
  'tokenize',
  'models',
  'balance',
  'other',
] as const
/** One of the things a request can ask for. */
export type Operation = (typeof operations)[number]
