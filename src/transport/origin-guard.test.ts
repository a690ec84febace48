import { expect, test } from 'vitest'
import { createOriginGuard } from './origin-guard.ts'

const guard = createOriginGuard({ allowedHosts: ['AI.lan', 'box:3005'] })
const host = (value: string | undefined): boolean => guard.check(value, undefined, 3005) === null
const origin = (value: string): boolean => guard.check('localhost:3005', value, 3005) === null

test('the loopback names pass with our port or none, and with no other', () => {
  for (const name of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
    expect(host(name)).toBe(true)
    expect(host(`${name}:3005`)).toBe(true)
    expect(host(`${name}:80`)).toBe(false)
  }
})

test('names that only look like ours do not pass', () => {
  for (const name of [
    undefined,
    '',
    'evil.example',
    'localhost.evil.example:3005',
    '127.0.0.1.evil.example',
    'evil.example#localhost:3005',
    'localhost:3005:3005',
    '::1',
  ]) {
    expect(host(name)).toBe(false)
  }
})

test('hosts from the configuration pass', () => {
  expect(host('ai.lan')).toBe(true)
  expect(host('AI.lan:3005')).toBe(true)
  expect(host('box:3005')).toBe(true)
  expect(host('box:4000')).toBe(false)
})

test('an origin must be of this machine or of an allowed host', () => {
  expect(origin('http://localhost:5173')).toBe(true)
  expect(origin('http://[::1]:3005')).toBe(true)
  expect(origin('https://ai.lan')).toBe(true)
  expect(origin('http://box:3005')).toBe(true)
  expect(origin('http://box:4000')).toBe(false)
  for (const other of [
    'null',
    'https://evil.example',
    'http://localhost@evil.example',
    'file://',
    'http://localhost/x',
  ]) {
    expect(origin(other)).toBe(false)
  }
})
