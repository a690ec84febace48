import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Call } from '../../../calls/call.ts'
import { identityOf } from '../../../domain/identity-of.ts'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import type { ClientLine } from '../asking/client-line.ts'
import { LiveCall } from '../live-calls.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import { LateAnswers, unheardQuestion } from './late-answers.ts'
import { createModernTools, legacyTools } from './tool-result.ts'

const identity = identityOf('local', 'window-1')
const question = JSON.stringify({ resultType: 'input_required', inputRequests: {}, requestState: 'sealed' })
const modernTools = createModernTools({ name: 'exai-test', version: '1' })
const said = { content: [{ type: 'text' as const, text: 'said' }] }

let clock: VirtualClock
let late: LateAnswers
let told: string[]

beforeEach(() => {
  clock = new VirtualClock()
  told = []
  late = new LateAnswers(
    clock,
    {
      enabled: true,
      keepMs: 600_000,
      bytesMax: 1_000_000,
      bytesPerClientMax: 1_000_000,
      resultsPerClientMax: 10,
      closedStreamsToo: false,
    },
    (chars) => told.push(`working ${chars}`),
  )
})

const line = {
  left: () => told.push('left'),
  back: () => told.push('back'),
} as Partial<ClientLine> as ClientLine

function begin(keptAs?: string, door: 'http' | 'websocket' = 'websocket'): LiveCall {
  const call = new LiveCall(
    {
      identity,
      era: 'modern',
      door,
      tool: 'chat',
      args: { prompt: 'Why?' },
      isLong: true,
      keptAs,
      startedAt: 0,
    },
    late,
  )
  call.begun({ id: 'c-1' } as Call, line)
  return call
}

describe('a claim', () => {
  test.each([
    ['of the older era', legacyTools],
    ['of 2026-07-28', modernTools],
  ])('gives back a result %s as it was', (_era, { toJson }) => {
    const whole = { ...said, structured: { n: 1 }, isError: true, meta: { own: 'kept' } }
    begin().answerLost(resultMessage(1, toJson(whole)))
    expect(late.claim(identity, 'c-1')).toEqual({
      ...whole,
      meta: { own: 'kept', 'exai/late': { callId: 'c-1', tool: 'chat' } },
    })
    expect(late.list(identity)).toMatchObject([{ state: 'waiting', isError: true }])
  })

  test('of an error of the protocol is that sentence, as a failed result', () => {
    begin().answerLost(errorMessage(1, -32_603, 'It went wrong.'))
    const content = [{ type: 'text', text: 'It went wrong.' }]
    expect(late.claim(identity, 'c-1')).toEqual({ content, isError: true })
  })

  test('never gives a question that nobody took, but says that there was one', () => {
    const call = begin()
    call.keptInstead = resultMessage(1, modernTools.toJson(unheardQuestion))
    call.answerLost(resultMessage(1, question))
    expect(late.claim(identity, 'c-1')).toMatchObject({ content: unheardQuestion.content, isError: true })
    expect(late.list(identity)).toMatchObject([{ state: 'waiting', isError: true }])
  })

  test('says so as well of one that was set aside', () => {
    const call = begin()
    call.keptInstead = resultMessage(1, modernTools.toJson(unheardQuestion))
    expect(call.answerSetAside(resultMessage(1, question))).toBe('c-1')
    expect(late.claim(identity, 'c-1')).toMatchObject({ content: unheardQuestion.content, isError: true })
  })

  test('says so where the question itself is kept, for a bridge that has it answered', () => {
    late.results.keep('local\nwindow-1', 'its own key', resultMessage(1, question))
    begin('its own key').answerLost(resultMessage(1, question))
    expect(late.claim(identity, 'c-1')).toMatchObject({
      content: unheardQuestion.content,
      isError: true,
      meta: { 'exai/late': { callId: 'c-1', tool: 'chat' } },
    })
    expect(late.results.find('local\nwindow-1', 'its own key')).toMatchObject({ text: expect.any(String) })
  })
})

describe('a call of 2026-07-28 over HTTP', () => {
  test('goes on without a reader, and its client is told so, where leaving would have ended it', () => {
    const call = begin(undefined, 'http')
    call.readerGone()
    call.readerGone()
    expect(late.list(identity)).toMatchObject([{ callId: 'c-1', state: 'running' }])
    expect(late.inspect()).toMatchObject({ running: 1 })
    expect(told).toEqual(['left'])
    call.ended()
    expect(late.list(identity)).toEqual([])
  })

  test('leaves the list once its answer was read after all', () => {
    const call = begin(undefined, 'http')
    const { answerTaken } = call
    call.answerLost(resultMessage(1, modernTools.toJson(said)))
    expect(late.list(identity)).toHaveLength(1)
    answerTaken?.()
    expect(late.list(identity)).toEqual([])
  })
})

test('whoever claims says first how long it is, so that neighbours leave before it is parsed', () => {
  const json = resultMessage(1, modernTools.toJson(said))
  begin().answerLost(json)
  vi.spyOn(JSON, 'parse').mockImplementationOnce(() => {
    told.push('parsed')
    return {}
  })
  late.claim(identity, 'c-1')
  expect(told).toEqual([`working ${json.length}`, 'parsed'])
})
