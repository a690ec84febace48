// Connections that rest: their client keeps them for its next request, and may go without. Where places are short the one that has
// rested longest gives its own up, but never over a word that has come on it.

import type { OpenSocket } from './open-socket.ts'

/** The one that has rested longest, of those that may be asked; null where none rests. Looks at all of them: only where places are short. */
export function longestResting(
  all: Iterable<OpenSocket>,
  mayBeAsked: (open: OpenSocket) => boolean,
): OpenSocket | null {
  let longest: OpenSocket | null = null
  for (const open of all) {
    const { restsSince } = open
    if (restsSince === null || !mayBeAsked(open) || !open.isResting) continue
    if (longest === null || restsSince < (longest.restsSince ?? restsSince)) longest = open
  }
  return longest
}

/**
 * Runs `done` when everything has been read that has come by now, unless something has come on this one. Until then it rests no
 * more: it is asked once.
 */
export function letGo(open: OpenSocket, done: () => void): void {
  const isSilent = open.leaveRest()
  // The first turn ends what this one has begun to read, the second reads what came meanwhile.
  setImmediate(() =>
    setImmediate(() => {
      if (isSilent()) done()
    }),
  )
}
