// The end of a response, for whoever lives as long as it does. Node says `close` once: who asks for it afterwards would wait for ever.

import type { ServerResponse } from 'node:http'

/** Runs `run` when the response is closed, whole or broken off; where it is closed already, in the next tick. */
export function whenClosed(response: ServerResponse, run: () => void): void {
  if (response.closed) process.nextTick(run)
  else response.on('close', run)
}
