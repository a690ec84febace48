// Who is there during a soak: polite windows at every door that ask one thing after another, a noisy one with more in flight than it may,
// and some that leave in the middle, one way or another. Nobody's answer may bear another's mark.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '../../src/lib/random.ts'
import { openHttpWindow } from '../support/http-window.ts'
import { openSocketWindow } from '../support/socket-window.ts'
import { type Window, type WindowCall, type WindowDoor, windowDoors } from '../support/window-call.ts'

/** What came of all calls so far. */
export interface Tally {
  answered: number
  failed: number
  /** Ended without an answer, by a window that left or cancelled. */
  left: number
  /** Answers with somebody else's mark. */
  crossed: number
  /** Windows that could not be opened: a crowded machine may be too late for a handshake. */
  unopened: number
}

interface Party {
  readonly url: string
  readonly random: Random
  readonly signal: AbortSignal
  readonly tally: Tally
}

const politeWindows = 6
const noisyCalls = 12
const leavers = 3
const leaverNames = 40
const callsPerWindow = 100
const callsPerThread = 10
const marked = /\bmark-[\w-]+/g

/** Plays until the signal is aborted; resolves when everybody has gone home. */
export async function play(party: Party): Promise<void> {
  await Promise.all([
    ...Array.from({ length: politeWindows }, (_, index) => polite(party, index)),
    noisy(party),
    ...Array.from({ length: leavers }, (_, index) => leaving(party, index)),
  ])
}

async function open(party: Party, door: WindowDoor, name: string): Promise<Window | null> {
  const facts = { url: party.url, name, isAnonymous: false }
  try {
    return await (door === 'websocket' ? openSocketWindow(facts) : openHttpWindow(door, facts))
  } catch {
    // Its person would try again as well; the run judges how many there were.
    party.tally.unopened++
    await rest(500, party.signal)
    return null
  }
}

async function counted({ tally }: Party, call: WindowCall, mark: string): Promise<string> {
  const answer = await call.answer
  if (answer === null) tally.left++
  else if (answer.isError) tally.failed++
  else tally.answered++
  const text = answer?.text ?? ''
  if ([...text.matchAll(marked)].some(([each]) => each !== mark)) tally.crossed++
  return text
}

async function polite(party: Party, index: number): Promise<void> {
  const { random, signal } = party
  const name = `polite-${index}`
  for (let calls = 0; !signal.aborted; ) {
    const window = await open(party, windowDoors[index % windowDoors.length] ?? 'modern', name)
    if (window === null) continue
    let thread: string | undefined
    for (let n = 0; n < callsPerWindow && !signal.aborted; n++, calls++) {
      // A thread repeats what it was told, so its window has one mark.
      const mark = `mark-${name}`
      const dice = random()
      if (dice < 0.6) {
        if (n % callsPerThread === 0) thread = undefined
        const input = { prompt: `${mark} asks for the ${calls}th time.` }
        const more = thread === undefined ? {} : { continuation_id: thread }
        const text = await counted(party, window.call('chat', { ...input, ...more }), mark)
        thread = /continuation_id: (\S+)/.exec(text)?.[1] ?? thread
      } else if (dice < 0.8) {
        // Few questions, so that answers are kept, shared and made anew.
        const query = `What is new about ${Math.floor(random() * 20)}?`
        await counted(party, window.call('web_search', { query }), mark)
      } else if (dice < 0.9) await counted(party, window.call('usage', {}), mark)
      else await window.tools()
      await rest(50 + 150 * random(), signal)
    }
    await window.close()
  }
}

async function noisy(party: Party): Promise<void> {
  const { signal } = party
  const window = await open(party, 'modern', 'noisy')
  if (window === null) return
  const mark = 'mark-noisy'
  let n = 0
  const one = async (): Promise<void> => {
    while (!signal.aborted) {
      const call = window.call('chat', { prompt: `${mark} wants more: ${n++}.`, fresh: true })
      await counted(party, call, mark)
      await rest(100, signal)
    }
  }
  await Promise.all(Array.from({ length: noisyCalls }, one))
  await window.close()
}

async function leaving(party: Party, index: number): Promise<void> {
  const { random, signal } = party
  for (let visit = 0; !signal.aborted; visit++) {
    const name = `leaver-${(visit * leavers + index) % leaverNames}`
    const mark = `mark-${name}`
    const window = await open(party, windowDoors[Math.floor(random() * 3)] ?? 'modern', name)
    if (window === null) continue
    const calls = [0, 1].map((n) => window.call('chat', { prompt: `${mark} is in a hurry: ${visit}, ${n}.` }))
    const answers = calls.map((call) => counted(party, call, mark))
    await rest(200 * random(), signal)
    const how = random()
    if (how < 0.4) for (const call of calls) call.leave()
    else if (how < 0.7) await Promise.all(calls.map((call) => call.cancel()))
    await window.close()
    await Promise.all(answers)
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  // The end of the play is no failure.
  await sleep(ms, undefined, { signal }).catch(() => undefined)
}
