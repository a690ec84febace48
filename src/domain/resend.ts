// What the stdio bridge and the server say to each other so that a call whose connection broke is resent and never run
// twice. The bridge keys every call; when it sends one again it names the server process that may have seen it.

/** Members of a call's `_meta`. */
export const resendMeta = {
  /** The call's own key, the same at every sending; from `claudecode/toolUseId` where the client gives one. */
  key: 'exai/key',
  /** Only when sent again: the process (`instanceMethod`) that was there when it was sent first, and alone may begin it; or `nobody`. */
  resentTo: 'exai/resent-to',
  /** Only when sent again: how many times it has been sent with this. An earlier sending may arrive after a later one. */
  sending: 'exai/sending',
} as const

/** In place of the process that may begin a call: whoever knows it answers, and where it is unknown it stays in doubt. */
export const nobody = ''

/**
 * A request that answers `{ instance, messageBytesMax }`: the name of this server process, another after every restart, and the
 * largest message it takes, in bytes. A larger one closes the connection, and with it the way back of everything that runs.
 */
export const instanceMethod = 'exai/instance'

/** Why a draining server closes a connection, with 1012: every request that it has not answered it has not begun either. */
export const drainedReason = 'The server is restarting.'
