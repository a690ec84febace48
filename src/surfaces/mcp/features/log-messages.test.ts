import { expect, test } from 'vitest'
import type { Exchange } from '../exchange.ts'
import { createLogSender } from './log-messages.ts'

function exchange(canStream = true): Exchange & { readonly sent: string[] } {
  const sent: string[] = []
  const never = (): void => undefined
  return {
    id: 1,
    door: 'http',
    identity: { team: null, principal: 'a', client: null, label: 'a', root: null, isLocal: true } as never,
    inFlight: null,
    canStream,
    startStream: never,
    send: never,
    sendProgress: never,
    sendDroppable: (json) => sent.push(json),
    finish: never,
    abandon: never,
    work: null,
    sent,
  }
}

test('what is graver than asked for is sent, the rest is not', () => {
  const on = exchange()
  const log = createLogSender(on, 'chat', 'warning')
  log('info', 'a')
  log('warning', { b: 1 })
  log('emergency', 'c')
  expect(on.sent.map((json) => JSON.parse(json).params)).toEqual([
    { level: 'warning', logger: 'chat', data: { b: 1 } },
    { level: 'emergency', logger: 'chat', data: 'c' },
  ])
})

test('nobody who did not ask, or cannot hear, is told anything', () => {
  const on = exchange(false)
  createLogSender(on, 'chat', 'debug')('error', 'a')
  const quiet = exchange()
  createLogSender(quiet, 'chat', null)('emergency', 'a')
  expect([on.sent, quiet.sent]).toEqual([[], []])
})

test('a tool in a loop, and one that says too much at once, are cut, and that is said', () => {
  const on = exchange()
  const log = createLogSender(on, 'chat', 'debug')
  log('info', 'x'.repeat(100_000))
  for (let n = 0; n < 1_000; n++) log('info', n)
  expect(on.sent).toHaveLength(201)
  expect(on.sent[0]).toContain('was dropped')
  expect(on.sent.at(-1)).toContain('the rest of this call')
})
