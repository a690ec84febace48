// A call may be broken off right before any of its resumptions, and leaves nothing: one property for each tool of the registry, so
// that a new tool is swept from its first day, and one for each further road a call may take.

import { tools } from '../../src/tools/registry.ts'
import { type Mutant, type Property, property } from '../properties/kit.ts'
import { playsFor } from './plays.ts'
import { sweep } from './sweep.ts'

const keepsSlot: Mutant = {
  file: 'routing/attempts.ts',
  find: '      lease?.release()\n',
  replace: '      if (!this.#plan.signal.aborted || history.attempts > 0) lease?.release()\n',
}
const keepsReservation: Mutant = {
  file: 'routing/paid-site.ts',
  find: '        this.#release(this.#ready.get(group))\n',
  replace: '',
}
const keepsReservationInQueue: Mutant = {
  file: 'routing/paid-site.ts',
  find: '      this.#release(share)\n      throw error\n',
  replace: '      throw error\n',
}
const keepsSeat: Mutant = {
  file: 'cache/flight.ts',
  find: 'if (!this.#seats.delete(seat)) return false',
  replace: 'if (!this.#seats.has(seat)) return false',
}
const endsFlightWithPayer: Mutant = {
  file: 'cache/flight.ts',
  find: 'if (this.#seats.size > 0) return false',
  replace: 'if (this.#seats.size > 1) return false',
}
const keepsPlace: Mutant = {
  file: 'admission/quota-group.ts',
  find: '        this.#withdraw(job)\n        waiter.reject(',
  replace: '        waiter.reject(',
}
const hearsNoAbortBackInPlace: Mutant = {
  file: 'admission/waiter.ts',
  find: "  signal.addEventListener('abort', onAbort)\n",
  replace: "  if (waiter.sentBackAt === null) signal.addEventListener('abort', onAbort)\n",
}
const sleepsThroughAbort: Mutant = {
  file: 'lib/wait.ts',
  find: "    signal.addEventListener('abort', abort, { once: true })\n",
  replace: '',
}
const tellsNoEnd: Mutant = {
  file: 'routing/attempt-run.ts',
  find: '      finish(failure)\n',
  replace: '      if (!start.signal.aborted) finish(failure)\n',
}
const keepsTimer: Mutant = {
  file: 'routing/attempt-run.ts',
  find: '    limit.cancel()\n',
  replace: '    if (!start.signal.aborted) limit.cancel()\n',
}
const keepsPermit: Mutant = {
  file: 'calls/run.ts',
  find: '    this.#permit.release()\n',
  replace: '    if (!this.signal.aborted) this.#permit.release()\n',
}

const mutants: Readonly<Record<string, readonly Mutant[]>> = {
  chat: [keepsSlot],
  web_search: [keepsSeat],
  codereview: [tellsNoEnd],
  analyze_document: [keepsTimer],
  summarize: [keepsReservation],
  'chat, in the queue': [keepsPlace, keepsReservationInQueue],
  'web_search, on a flight of another': [keepsSeat],
  'web_search, with another on its flight': [endsFlightWithPayer],
  'chat, refused by the vendor and back in its place': [hearsNoAbortBackInPlace],
  'chat, tried again': [sleepsThroughAbort],
}

/** One for each way a call may go. Prints how many resumptions it has. */
export const properties: readonly Property[] = playsFor(tools.map(({ name }) => name)).map((play) =>
  property({
    id: play.name,
    says: 'a call that is broken off right before any of its resumptions leaves nothing',
    mutants: mutants[play.name] ?? [keepsPermit],
    async check(rooms) {
      const { resumptions, stride, struck } = await sweep(rooms, play)
      const each = stride === 1 ? 'each' : `one in ${stride}`
      console.log(
        `${play.name}: K = ${resumptions} resumptions; cancelled at ${each} of 1 to ${struck.cancel}, disconnected at ${each} of 1 to ${struck.disconnect}; nothing left`,
      )
    },
  }),
)
