// One attempt in virtual time: what is remembered of it, and whose doing its end was.

import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { CallFailure } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import type { Usage } from '../providers/provider.ts'
import type { AttemptEnd } from './attempt-end.ts'
import { type AttemptInput, type AttemptStart, startAttempt } from './attempt-run.ts'
import { targetOf } from './target-of.ts'

const target = targetOf()
const failure = new CallFailure('provider-error', { message: 'It broke.', retryable: true })
const bornAt = 5_000

/** An attempt that has begun 5 s after the clock did, and does what it is told. */
async function begin(
  run: (input: AttemptInput, clock: VirtualClock) => Promise<string>,
  more: Partial<AttemptStart<string>> = {},
) {
  const clock = new VirtualClock()
  await clock.advance(bornAt)
  const ends: { end: AttemptEnd; isOurLimit: boolean; failure: CallFailure | null }[] = []
  const outer = new AbortController()
  const attempt = startAttempt<string>({
    clock,
    target,
    keyIndex: 1,
    keyName: 'glm/main#1',
    number: 2,
    isHedge: true,
    outputTokensMax: 100,
    limitMs: () => 60_000,
    isDeadline: false,
    signal: outer.signal,
    run: (input) => run(input, clock),
    onEnd: (end, isOurLimit, why) => ends.push({ end, isOurLimit, failure: why }),
    ...more,
  })
  /** How it came out: one end, and nothing is left. */
  const over = async () => {
    const result = await attempt.result
    const [told, ...others] = ends
    expect(others).toEqual([])
    expect(clock.pendingTimers).toBe(0)
    return { result, ...(told ?? expect.fail('nobody was told of its end')) }
  }
  return { clock, outer, attempt, over, leave: (reason: unknown) => outer.abort(reason) }
}

const untilAborted = ({ signal }: AttemptInput): Promise<string> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the socket was closed')))
  })

describe('an attempt', () => {
  it('is told who it is, and until when it may last, which may change', async () => {
    let limitMs = 10_000
    const { over } = await begin(
      async ({ id, number, keyIndex, outputTokensMax, untilAt }) => {
        expect(id).toMatch(/^[0-9a-f-]{36}$/)
        expect({ number, keyIndex, outputTokensMax }).toEqual({
          number: 2,
          keyIndex: 1,
          outputTokensMax: 100,
        })
        expect(untilAt()).toBe(bornAt + 10_000)
        limitMs = 20_000
        expect(untilAt()).toBe(bornAt + 20_000)
        return id
      },
      { limitMs: () => limitMs },
    )
    const { result, end } = await over()
    expect(result).toEqual({ kind: 'done', value: end.attemptId })
  })

  it('remembers what came, and tells it at its end', async () => {
    const usage: Usage = {
      inputTokens: 1,
      outputTokens: 2,
      cachedInputTokens: 0,
      reasoningTokens: 0,
      source: 'provider',
    }
    const spoken: number[] = []
    const partsAt: number[] = []
    const { clock, attempt, over } = await begin(
      async ({ meter }, time) => {
        const later = (ms: number) => new Promise<void>((resolve) => time.after(ms, resolve))
        meter.began()
        await later(300)
        spoken.push(meter.firstPart())
        await later(700)
        spoken.push(meter.firstPart())
        meter.outputChars(20)
        meter.outputChars(5)
        meter.usage(usage)
        return 'an answer'
      },
      { onFirstPart: () => spoken.push(Number.NaN), onPart: () => partsAt.push(clock.now() - bornAt) },
    )
    expect(attempt.hasSpoken()).toBe(false)
    await clock.advance(300)
    expect(attempt.hasSpoken()).toBe(true)
    await clock.advance(700)
    const { result, end, isOurLimit, failure } = await over()
    expect(result).toEqual({ kind: 'done', value: 'an answer' })
    // The first part is the first one only, and whoever waits for it is told once.
    expect(spoken).toEqual([Number.NaN, 300, 300])
    expect(partsAt).toEqual([300, 1_000, 1_000, 1_000])
    expect([isOurLimit, failure]).toEqual([false, null])
    expect(end).toEqual({
      attemptId: expect.any(String),
      number: 2,
      target,
      keyName: 'glm/main#1',
      outcome: 'done',
      isHedge: true,
      endedAtMs: bornAt + 1_000,
      durationMs: 1_000,
      hasBegun: true,
      firstPartMs: 300,
      usage,
      outputChars: 25,
      outputTokensMax: 100,
    })
  })

  it('needs nobody who waits for its first part', async () => {
    const { over } = await begin(async ({ meter }) => `after ${meter.firstPart()} ms`)
    expect(await over()).toMatchObject({ result: { kind: 'done', value: 'after 0 ms' } })
  })

  it('that fails says after how long, and whether its vendor had begun', async () => {
    for (const hasBegun of [false, true]) {
      const { clock, over } = await begin(async ({ meter }, time) => {
        if (hasBegun) meter.began()
        await new Promise<void>((resolve) => time.after(2_000, resolve))
        throw failure
      })
      await clock.advance(2_000)
      const { result, end, isOurLimit, failure: told } = await over()
      expect(result).toEqual({ kind: 'failed', failure, tookMs: 2_000 })
      expect(told).toBe(failure)
      expect(isOurLimit).toBe(false)
      expect(end).toMatchObject({ outcome: 'provider-error', hasBegun, firstPartMs: null, usage: null })
    }
  })

  it('calls whatever else is thrown a mistake of ours, and keeps it for the log', async () => {
    const bug = new TypeError('x is not a function')
    const { over } = await begin(() => Promise.reject(bug))
    const { result } = await over()
    expect(result).toMatchObject({ kind: 'failed', failure: { code: 'internal', cause: bug } })
    expect(result).toMatchObject({
      failure: { message: expect.stringMatching(/^The server made a mistake in/) },
    })
  })

  it('is not made at all for a job that was given up before', async () => {
    const gone = new CallFailure('client-gone', { message: 'Gone.' })
    let asked = 0
    const { over } = await begin(async () => `asked ${++asked} times`, { signal: AbortSignal.abort(gone) })
    const { result, end } = await over()
    expect(result).toEqual({ kind: 'failed', failure: gone, tookMs: 0 })
    expect(end).toMatchObject({ outcome: 'client-gone', hasBegun: false })
    expect(asked).toBe(0)
  })

  it('ends with its job, for the job’s reason', async () => {
    const gone = new CallFailure('client-gone', { message: 'Gone.' })
    const { over, leave } = await begin((input) => {
      input.meter.firstPart()
      return untilAborted(input)
    })
    leave(gone)
    const { result, isOurLimit } = await over()
    expect(result).toMatchObject({ kind: 'failed', failure: gone })
    expect(isOurLimit).toBe(true)
  })

  it('knows more of the end of the job’s time than whoever ended it, whom it names as the cause', async () => {
    const late = new CallFailure('deadline', { message: 'Time is over.' })
    const { clock, over, leave } = await begin(untilAborted)
    await clock.advance(7_000)
    leave(late)
    const { result } = await over()
    expect(result).toMatchObject({
      kind: 'failed',
      failure: {
        code: 'deadline',
        cause: late,
        message: expect.stringMatching(/^glm \(glm-5\.2\) had sent nothing for 7 s when the time/),
      },
    })
  })

  it('listens to its job no longer than it lasts', async () => {
    const { clock, outer, over } = await begin(untilAborted)
    expect(getEventListeners(outer.signal, 'abort')).toHaveLength(1)
    await clock.advance(60_000)
    await over()
    expect(getEventListeners(outer.signal, 'abort')).toEqual([])
  })
})

describe('an attempt whose own time is over', () => {
  it('is too slow where somebody else can be asked, in so many seconds', async () => {
    const { clock, over } = await begin(untilAborted)
    await clock.advance(60_000)
    const { result, end, isOurLimit, failure } = await over()
    expect(result).toMatchObject({
      kind: 'failed',
      tookMs: 60_000,
      failure: {
        code: 'timeout',
        message: expect.stringMatching(/had sent nothing for 60 s when its 60 seconds were over/),
      },
    })
    expect(end.outcome).toBe('timeout')
    expect(failure?.code).toBe('timeout')
    // The vendor's own time was not over.
    expect(isOurLimit).toBe(true)
  })

  it('is our own doing, also where the job leaves before the attempt has ended', async () => {
    const gone = new CallFailure('client-gone', { message: 'Gone.' })
    const { clock, leave, over } = await begin(
      ({ signal }, time) =>
        new Promise((_, reject) =>
          signal.addEventListener('abort', () => time.after(10, () => reject(gone))),
        ),
    )
    await clock.advance(60_000)
    leave(gone)
    await clock.advance(10)
    const { end, isOurLimit } = await over()
    expect(end.outcome).toBe('timeout')
    expect(isOurLimit).toBe(true)
  })

  it('ends the job where nobody else is left', async () => {
    const { clock, over } = await begin(untilAborted, { isDeadline: true })
    await clock.advance(60_000)
    expect((await over()).result).toMatchObject({ failure: { code: 'deadline' } })
  })

  it('tells since when the vendor is silent: since it began, spoke or wrote something', async () => {
    const silentFor = async (hears: (input: AttemptInput) => void): Promise<string> => {
      const { clock, over } = await begin(async (input, time) => {
        await new Promise<void>((resolve) => time.after(20_000, resolve))
        hears(input)
        return untilAborted(input)
      })
      await clock.advance(60_000)
      return (await over()).failure?.message ?? ''
    }
    expect(await silentFor(() => {})).toMatch('had sent nothing for 60 s')
    expect(await silentFor(({ meter }) => meter.began())).toMatch('had sent nothing for 40 s')
    expect(await silentFor(({ meter }) => meter.firstPart())).toMatch('nothing more for 40 s')
    expect(await silentFor(({ meter }) => meter.outputChars(1))).toMatch('had sent nothing for 40 s')
  })

  it('goes on where others who joined have more of it, to the millisecond', async () => {
    let limitMs = 60_000
    const { clock, attempt, over } = await begin(untilAborted, { limitMs: () => limitMs })
    let isOver = false
    void attempt.result.then(() => {
      isOver = true
    })
    await clock.advance(59_999)
    limitMs = 60_001
    await clock.advance(1)
    expect(isOver).toBe(false)
    await clock.advance(1)
    expect(isOver).toBe(true)
    expect((await over()).end.durationMs).toBe(60_001)
  })
})

describe('an attempt that was slower than another', () => {
  it('has lost, and no vendor is to blame for it', async () => {
    const { attempt, over } = await begin(untilAborted)
    expect(attempt.hasLost()).toBe(false)
    attempt.lose()
    const { result, end, isOurLimit, failure } = await over()
    expect(attempt.hasLost()).toBe(true)
    expect(end.outcome).toBe('hedge-lost')
    expect(isOurLimit).toBe(true)
    expect(failure).toMatchObject({ code: 'cancelled', message: 'Another attempt was faster.' })
    expect(result).toMatchObject({ kind: 'failed', failure })
  })

  it('cannot lose any more once it has ended', async () => {
    const { attempt, over } = await begin(async () => 'an answer')
    expect((await over()).end.outcome).toBe('done')
    attempt.lose()
    expect(attempt.hasLost()).toBe(false)
    expect(await over()).toMatchObject({ result: { kind: 'done' } })
  })
})
