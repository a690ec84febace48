import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { OpenSocket } from './open-socket.ts'
import { letGo, longestResting } from './resting.ts'

function ask(open: OpenSocket): IncomingMessage {
  const request = new IncomingMessage(open.socket)
  open.begin(request, new ServerResponse(request))
  return request
}

/** A socket on which one request has been answered, at that time. */
function rested(now: number): OpenSocket {
  const open = new OpenSocket(new Socket())
  const request = ask(open)
  request.complete = true
  open.answered(request, now)
  return open
}

async function turns(): Promise<void> {
  for (let n = 0; n < 4; n++) await new Promise((resolve) => setImmediate(resolve))
}

test('the one that has rested longest is asked, of those that may be asked', () => {
  const [second, first, third] = [rested(2), rested(1), rested(3)]
  expect(longestResting([second, first, third], () => true)).toBe(first)
  expect(longestResting([second, first, third], (each) => each !== first)).toBe(second)
  expect(longestResting([second, first, third], () => false)).toBeNull()
})

test('nobody rests who has not been answered, whose body is still coming, or who has more under way', () => {
  const silent = new OpenSocket(new Socket())
  const busy = rested(1)
  ask(busy)
  const sending = new OpenSocket(new Socket())
  sending.answered(ask(sending), 2)
  const pipelining = new OpenSocket(new Socket())
  const request = ask(pipelining)
  ask(pipelining)
  request.complete = true
  pipelining.answered(request, 3)
  const shed = rested(4)
  shed.isShed = true
  const gone = rested(5)
  gone.socket.destroy()
  expect(longestResting([silent, busy, sending, pipelining, shed, gone], () => true)).toBeNull()
})

test('whoever is let go is asked once, and goes when it stays silent', async () => {
  const open = rested(1)
  let isDone = false
  letGo(open, () => {
    isDone = true
  })
  expect(longestResting([open], () => true)).toBeNull()
  expect(isDone).toBe(false)
  await turns()
  expect(isDone).toBe(true)
})

test('whoever speaks at the last moment stays, though it is answered at once', async () => {
  const [speaking, answered] = [rested(1), rested(2)]
  const went: OpenSocket[] = []
  for (const open of [speaking, answered]) letGo(open, () => went.push(open))
  ask(speaking)
  const request = ask(answered)
  request.complete = true
  answered.answered(request, 3)
  await turns()
  expect(went).toEqual([])
  expect(longestResting([speaking, answered], () => true)).toBe(answered)
})
