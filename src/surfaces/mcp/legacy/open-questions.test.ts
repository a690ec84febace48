import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../../../lib/virtual-clock.ts'
import { unreached } from '../asking/client-line.ts'
import { OpenQuestions } from './open-questions.ts'

interface Sent {
  readonly id?: string
  readonly method: string
  readonly params?: { readonly requestId?: string }
}

let clock: VirtualClock
let questions: OpenQuestions
let sent: Sent[]

beforeEach(() => {
  clock = new VirtualClock()
  questions = new OpenQuestions(clock)
  sent = []
})

const send = (json: string): boolean => {
  sent.push(JSON.parse(json))
  return true
}
const question = { method: 'elicitation/create', params: { message: 'Well?' }, send, waitMs: 1_000 }

test('an answer settles the question of its id, and no other', async () => {
  const first = questions.put(question)
  const second = questions.put(question)
  questions.settle(sent[1]?.id ?? '', { action: 'decline' })
  questions.settle('exai-1', { action: 'accept' })
  expect(await second).toEqual({ action: 'decline' })
  expect(questions.size).toBe(1)
  questions.settle(sent[0]?.id ?? '', { action: 'accept' })
  expect(await first).toEqual({ action: 'accept' })
  expect(clock.pendingTimers).toBe(0)
})

test('ids of two clients have nothing in common', async () => {
  const other = new OpenQuestions(clock)
  void questions.put(question)
  void other.put(question)
  const [mine = '', theirs = ''] = sent.map(({ id }) => id)
  expect(mine).not.toBe(theirs)
  expect(mine.length).toBeGreaterThan(20)
  other.settle(mine, {})
  expect(questions.size).toBe(1)
  questions.close()
  other.close()
})

test('silence ends a question, and a client that a call asked is told so', async () => {
  const asked = questions.put({ ...question, signal: new AbortController().signal })
  await clock.advance(1_000)
  expect(await asked).toBeNull()
  expect(sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: sent[0]?.id } })
  questions.settle(sent[0]?.id ?? '', { action: 'accept' })
  expect(questions.size).toBe(0)
})

test('the end of the call takes the question back', async () => {
  const controller = new AbortController()
  const asked = questions.put({ ...question, signal: controller.signal })
  controller.abort(new Error('cancelled by the client'))
  await expect(asked).rejects.toThrow('cancelled by the client')
  expect(sent.map(({ method }) => method)).toEqual(['elicitation/create', 'notifications/cancelled'])
  expect(clock.pendingTimers).toBe(0)
  await expect(questions.put({ ...question, signal: controller.signal })).rejects.toThrow('cancelled')
  expect(sent).toHaveLength(2)
})

test('a client that leaves has answered nothing, and is asked nothing more', async () => {
  const asked = questions.put({ ...question, signal: new AbortController().signal })
  questions.close()
  expect(await asked).toBe(unreached)
  expect(await questions.put(question)).toBe(unreached)
  expect(sent).toHaveLength(1)
  expect(clock.pendingTimers).toBe(0)
})

test('a call whose client left goes on without an answer', async () => {
  const left = new AbortController()
  const asked = questions.put({ ...question, until: left.signal })
  left.abort()
  expect(await asked).toBe(unreached)
  expect(await questions.put({ ...question, until: left.signal })).toBe(unreached)
  expect(sent).toHaveLength(1)
})

test('of a call whose client left the question is taken back, where there is still a way to whoever sees it', async () => {
  const left = new AbortController()
  const signal = new AbortController().signal
  const asked = questions.put({ ...question, signal, until: left.signal })
  left.abort()
  expect(await asked).toBe(unreached)
  expect(sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: sent[0]?.id } })
})

test('one client holds at most 64 questions open', async () => {
  const open = Array.from({ length: 64 }, () => questions.put(question))
  expect(await questions.put(question)).toBeNull()
  expect(sent).toHaveLength(64)
  questions.close()
  expect(await Promise.all(open)).toEqual(open.map(() => unreached))
})

test('what cannot be sent is not waited for', async () => {
  expect(await questions.put({ ...question, send: () => false })).toBe(unreached)
  expect(clock.pendingTimers).toBe(0)
})
