// Trials of faults: a whole server with one slot at each vendor, in virtual time, which a fault strikes once and without end. What one more
// attempt can survive is survived unseen; else the model gets a sentence that says what happened and what to do, after as many attempts as
// the failure is worth. Never half an answer taken for a whole one; no secret in answers, log or inspection; no slot is kept.

import { expect } from 'vitest'
import type { Vendor } from '../../simulator/vendors.ts'
import { VirtualClock } from '../../src/lib/virtual-clock.ts'
import { until } from './mcp-composition.ts'
import { type ServerFixture, secretPattern, startServer } from './server-fixture.ts'
import type { Window, WindowAnswer, WindowCall } from './window-call.ts'

/** Stands in what is asked: a whole answer holds it. */
export const mark = 'OTTER-1947-QX'

/** Stand before it; nothing that is kept may hold them. */
export const words = 'Say a few words, and end with the mark:'

// A drip of a quarter: an answer of five hundred pieces is whole before the clock has gone on by a vendor's usual silence.
const shortMs: Readonly<Record<string, number>> = { 'slow-first-byte': 40, 'idle-gap': 40, 'slow-drip': 0.25 }

type Range = readonly [least: number, most: number]
/** How often a vendor is asked that fails in this way again and again, when nobody else may be asked. */
const attempts: Readonly<Record<string, Range>> = {
  // Once more at the same provider; not where the vendor's adapter knows that this one will say the same again.
  unreachable: [2, 2],
  timeout: [2, 2],
  'provider-error': [2, 2],
  truncated: [2, 2],
  'malformed-output': [2, 2],
  // Once more, and then, since the whole vendor is busy, after a while and a longer one.
  overloaded: [4, 4],
  // Once more, with twice the cap.
  'empty-output': [2, 2],
  // A vendor that was silent until the call's own time was over.
  deadline: [2, 2],
  // Again whenever it said that it would have room, until the job's four attempts or its time are spent.
  'rate-limited': [1, 4],
  // Back to its place in the queue, after longer and longer pauses, until its time to wait is over: the queue says so.
  'would-miss-deadline': [2, 33],
  // Nothing at this vendor helps.
  'quota-exhausted': [1, 1],
  'account-blocked': [1, 1],
  'credential-rejected': [1, 1],
  'permission-denied': [1, 1],
  'model-unknown': [1, 1],
  'context-too-long': [1, 1],
  'content-filtered': [1, 1],
  'bad-request': [1, 1],
}
const transient = new Set([
  'overloaded',
  'unreachable',
  'timeout',
  'provider-error',
  'truncated',
  'malformed-output',
])
/** Remembered: whoever asks for the same at once is told so, and the vendor is not asked. */
const remembered = new Set(['credential-rejected', 'account-blocked', 'permission-denied', 'model-unknown'])
/** The next probe of a dead key, and longer than open breakers and cooldowns, */
const hourMs = 3_600_000
const tenDaysMs = 10 * 24 * hourMs
/** but for what comes back next week, by the vendor's own word, or after an hour and a little, where it does not say. */
const farOff = new Set([
  ...[1304, 1308, 1310, 1316, 1317, 1318, 1319, 1320, 1321].map((code) => `code-${code}`),
  'limit-tpd',
])

interface Failing {
  readonly code: string
  readonly retryable: boolean
  readonly retryAfterMs: number | null
}

/** How often a vendor that fails so is asked, at least and at most. */
function expected({ code, retryable, retryAfterMs }: Failing): Range {
  if (transient.has(code)) {
    if (!retryable) return [1, 1]
    // It named a time: asked again then, as a vendor that limits.
    if (retryAfterMs !== null) return [2, 4]
  }
  // Room within the minute is worth waiting for.
  if (code === 'quota-exhausted' && retryAfterMs !== null && retryAfterMs <= 60_000) return [2, 4]
  return attempts[code] ?? [0, 0]
}

/** The answer is a failure, told in a sentence that says what to do; what it is of. */
export function checkSentence(answer: WindowAnswer, provider: string): Failing {
  expect(answer).toMatchObject({ status: 200, isError: true })
  const { reason, ...refusal } = (answer.meta['exai/refusal'] ?? {}) as Failing & { readonly reason?: string }
  const failure = (answer.meta['exai/failure'] ?? { ...refusal, code: reason }) as Failing & {
    readonly advice: string
  }
  expect(failure.code).not.toBe('internal')
  expect(failure.advice).not.toBe('none')
  if (failure.code !== 'deadline') expect(answer.text).toContain(provider)
  // What happened, then what to do: two sentences at least, and no more than a person reads.
  const start = failure.code === 'deadline' ? '(?:chat|web_search) did not finish' : '[A-Z]'
  expect(answer.text).toMatch(new RegExp(`^${start}.+[.!?"] [A-Z].+\\.$`, 's'))
  expect(answer.text.length).toBeLessThan(700)
  expect(answer.text).toMatch(
    /try again|call again|shorten|rephrase|change the request|recharge|listmodels|check |allow more|wait|ask for less/i,
  )
  return failure
}

/** One server with its vendors, its clock and its window. */
export class FaultTrial {
  readonly server: ServerFixture
  readonly clock: VirtualClock
  readonly window: Window

  private constructor(server: ServerFixture, clock: VirtualClock, window: Window) {
    this.server = server
    this.clock = clock
    this.window = window
  }

  /** Starts all three. */
  static async start(): Promise<FaultTrial> {
    const clock = new VirtualClock()
    const server = await startServer({
      clock,
      yaml: `
log: { level: trace }
providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }
`,
    })
    return new FaultTrial(server, clock, await server.window('modern', 'window-one'))
  }

  /** Ends all three; throws when anything is left. */
  stop(): Promise<void> {
    this.server.simulator.control({ glm: { faults: [] }, kimi: { faults: [] } })
    return this.server.stop()
  }

  /** How often the vendor was asked so far. */
  asked(vendor: Vendor): number {
    const { requests } = this.server.simulator.stats(0)[vendor]
    return Object.values(requests).reduce((sum, each) => sum + each, 0)
  }

  /** The answer; time passes whenever nothing has happened for a while. */
  async outlasted(call: WindowCall, vendor: Vendor): Promise<WindowAnswer> {
    let answer: WindowAnswer | null | undefined
    void call.answer.then((got) => {
      answer = got
    })
    const happened = (): string =>
      [call.progress.length, this.asked(vendor), this.server.simulator.stats(0)[vendor].inFlight].join()
    const startedAt = this.clock.now()
    let seen = ''
    // Turns of the event loop, not milliseconds: a machine that lets this process wait lets its vendor wait too.
    let quietTurns = 0
    while (answer === undefined) {
      await new Promise((done) => setTimeout(done, 2))
      const now = happened()
      if (now !== seen) {
        seen = now
        quietTurns = 0
      } else if (++quietTurns > 25) {
        await this.clock.advance(4_000)
        quietTurns = 16
        expect(this.clock.now() - startedAt).toBeLessThan(300_000)
      }
    }
    if (answer === null) throw new Error('the call ended without an answer')
    return answer
  }

  /** Waits until the vendor has nothing in flight and the server's books are at zero. */
  async nothingKept(vendor: Vendor): Promise<void> {
    const { server } = this
    await until(() => server.simulator.stats(0)[vendor].inFlight === 0, 'the vendor has nothing in flight')
    await until(() => server.inspect().calls.inFlight === 0, 'no call is in flight')
    for (const { held, waiting } of Object.values(server.inspect().groups))
      expect({ held, waiting }).toEqual({ held: 0, waiting: 0 })
    expect(server.inspect().calls.abandoned).toBe(0)
  }

  /** Nothing that may not be shown is in the answer, the log or the inspection. */
  noSecrets(answer: WindowAnswer): void {
    for (const text of [
      answer.text,
      JSON.stringify(answer.meta),
      this.server.log(),
      JSON.stringify(this.server.inspect()),
    ]) {
      expect(text).not.toMatch(secretPattern)
    }
  }

  /** Lets the fault strike `times` times and asks once; tells the answer and how often the vendor was asked. */
  async struck(
    vendor: Vendor,
    name: string,
    times: number | null,
    begin: () => WindowCall,
  ): Promise<{ readonly answer: WindowAnswer; readonly count: number }> {
    const { simulator } = this.server
    const ms = shortMs[name]
    simulator.control({ [vendor]: { faults: [{ name, times, ...(ms === undefined ? {} : { ms }) }] } })
    const before = this.asked(vendor)
    const answer = await this.outlasted(begin(), vendor)
    const count = this.asked(vendor) - before
    simulator.control({ [vendor]: { faults: [] } })
    // A cut request keeps its slot until the vendor has noticed.
    await this.clock.advance(200)
    this.noSecrets(answer)
    await this.nothingKept(vendor)
    return { answer, count }
  }

  /** Strikes once, then without end, and checks both against what the failure is worth. */
  async checkFault(vendor: Vendor, name: string, begin: () => WindowCall): Promise<void> {
    const once = await this.struck(vendor, name, 1, begin)
    if (once.answer.isError) {
      const failing = checkSentence(once.answer, vendor)
      expect({ count: once.count, range: expected(failing) }).toEqual({ count: 1, range: [1, 1] })
      if (remembered.has(failing.code) || farOff.has(name)) {
        const again = await this.outlasted(begin(), vendor)
        expect(again.isError).toBe(true)
        expect(this.asked(vendor)).toBe(1)
      }
    } else {
      expect(once.answer.text).toContain(mark)
      expect(once.answer.text).not.toContain('incomplete')
      expect(once.count).toBe(2)
    }
    await this.heal(name)
    const endless = await this.struck(vendor, name, null, begin)
    const failing = checkSentence(endless.answer, vendor)
    const [least, most] = expected(failing)
    expect(endless.count).toBeGreaterThanOrEqual(least)
    expect(endless.count).toBeLessThanOrEqual(most)
    // Whoever was asked twice is told so.
    if (most > 1 && failing.code !== 'deadline') expect(endless.answer.text).toContain('Tried before it: ')
    if (most > 1) expect(once.answer.isError).toBe(false)
  }

  /** Until such a fault is over: an hour, or ten days, all but the last hour of which the machine sleeps through. */
  async heal(name: string): Promise<void> {
    if (farOff.has(name)) this.clock.sleep(tenDaysMs - hourMs)
    await this.clock.advance(hourMs)
  }
}
