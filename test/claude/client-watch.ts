// Looks at /api/inspect while the windows work: who is there, who is at work, and how many at most.

import type { ExaiServer, InspectedClient } from './processes.ts'

/** A watch over the server's clients, ten times a second. */
export interface ClientWatch {
  /** Settles when the clients at one moment are as wanted; rejects with `what` after `withinMs`. */
  until(isSo: (clients: readonly InspectedClient[]) => boolean, what: string, withinMs: number): Promise<void>
  /** From here on more clients may appear: a window that is started again is another client. */
  freeze(): void
  /** Ends the watch; answers the most clients with an id that were there at one moment before `freeze`. */
  stop(): Promise<number>
}

const everyMs = 100

/** Starts watching. */
export function watchClients(server: Pick<ExaiServer, 'clients'>): ClientWatch {
  let isOver = false
  let isFrozen = false
  let most = 0
  let latest: readonly InspectedClient[] = []
  const pause = (): Promise<void> => new Promise((done) => setTimeout(done, everyMs))
  const looking = (async () => {
    while (!isOver) {
      latest = (await server.clients()).filter(({ client }) => client !== null)
      if (!isFrozen) most = Math.max(most, latest.length)
      await pause()
    }
  })()
  return {
    async until(isSo, what, withinMs) {
      const deadline = performance.now() + withinMs
      while (!isSo(latest)) {
        if (performance.now() > deadline || isOver)
          throw new Error(`never so: ${what}; last seen: ${JSON.stringify(latest)}`)
        await pause()
      }
    },
    freeze() {
      isFrozen = true
    },
    async stop() {
      isOver = true
      await looking
      return most
    },
  }
}
