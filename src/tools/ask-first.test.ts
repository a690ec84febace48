import { expect, test } from 'vitest'
import { askNobody } from '../domain/asking.ts'
import { AskFirst } from './ask-first.ts'

test('a tool asks until its first job, and not after it', () => {
  const ask = new AskFirst(askNobody)
  expect(ask.open()).toBe(askNobody)
  ask.spend()
  expect(() => ask.open()).toThrow('before its first job')
})
