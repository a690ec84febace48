import { expect, test } from 'vitest'
import { PartialBodies } from './partial-bodies.ts'

const ignore = (): void => undefined

test('one principal never holds more than its part, and another still finds room', () => {
  const bodies = new PartialBodies({ partialBytesMax: 4_000, partialBytesPerPrincipalMax: 3_000 })
  const anna = bodies.open('anna', ignore)
  expect(anna.hold(2_700, 1)).toBeNull()
  expect(bodies.open('anna', ignore).hold(100, 1)).toMatch(/3000 bytes/)
  expect(bodies.open('bert', ignore).hold(700, 1)).toBeNull()
  expect(bodies.open('carl', ignore).hold(1, 1)).toMatch(/4000 bytes/)
  anna.release()
  expect(bodies.bytes).toBe(956)
  expect(bodies.open('anna', ignore).hold(2_700, 1)).toBeNull()
})

test('what has no room changes nothing, is told, and what was held before counts until it is released, once', () => {
  const bodies = new PartialBodies({ partialBytesMax: 1_000, partialBytesPerPrincipalMax: 1_000 })
  let refused = 0
  const body = bodies.open('anna', () => {
    refused += 1
  })
  expect(body.hold(500, 1)).toBeNull()
  expect(body.hold(600, 2)).not.toBeNull()
  expect([refused, bodies.bytes]).toEqual([1, 756])
  expect(body.hold(100, 1)).toBeNull()
  expect(bodies.bytes).toBe(356)
  body.release()
  body.release()
  expect(bodies.bytes).toBe(0)
})

test('parts of one byte cost what they cost', () => {
  const bodies = new PartialBodies({ partialBytesMax: 1e6, partialBytesPerPrincipalMax: 1e6 })
  const body = bodies.open('anna', ignore)
  let parts = 1
  while (body.hold(parts, parts) === null) parts += 1
  expect(parts).toBe(Math.floor(1e6 / 257) + 1)
})
