import { expect, test } from 'vitest'
import { webSocketUrl } from './web-socket-url.ts'

test.each([
  ['http://127.0.0.1:3005', 'ws://127.0.0.1:3005/ws'],
  ['http://127.0.0.1:3005/mcp', 'ws://127.0.0.1:3005/ws'],
  ['https://exai.example/', 'wss://exai.example/ws'],
  ['ws://h:1/ws', 'ws://h:1/ws'],
  ['https://h/behind/a/proxy?x=1#y', 'wss://h/behind/a/proxy?x=1'],
])('%s is dialled as %s', (given, dialled) => {
  expect(webSocketUrl(given)).toBe(dialled)
})

test.each(['', '3005', 'localhost:3005', 'ftp://h'])('%j is refused in a sentence', (given) => {
  expect(() => webSocketUrl(given)).toThrow('--url must be an address such as')
})
