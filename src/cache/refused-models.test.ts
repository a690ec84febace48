import { describe, expect, it } from 'vitest'
import { CallFailure, type FailureCode } from '../domain/failure.ts'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { RefusedModels } from './refused-models.ts'

const failure = (code: FailureCode): CallFailure => new CallFailure(code, { message: `It was ${code}.` })

function open() {
  const clock = new VirtualClock()
  const refused = new RefusedModels(clock)
  const find = (account = 'glm/main', model = 'glm-5.3') => refused.find(account, model)
  const remember = (code: FailureCode): void => refused.remember('glm/main', 'glm-5.3', failure(code))
  return { clock, refused, find, remember }
}

describe('refused models', () => {
  it('remembers an unknown model for a minute, each time anew', async () => {
    const { clock, find, remember } = open()
    for (let time = 0; time < 3; time++) {
      remember('model-unknown')
      await clock.advance(59_999)
      expect(find()).toMatchObject({ code: 'model-unknown', message: 'It was model-unknown.' })
      await clock.advance(1)
      expect(find()).toBeNull()
    }
  })

  it('asks half as often with each denial in a row, at last once an hour, and says when', async () => {
    const { clock, find, remember } = open()
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      remember('permission-denied')
      expect(find()?.code).toBe('permission-denied')
      await clock.advance(minutes * 60_000 - 30_000)
      expect(find()?.message).toBe('It was permission-denied. It is asked again in 30 seconds.')
      await clock.advance(30_000)
      expect(find()).toBeNull()
    }
  })

  it('takes what several jobs are told at once for one denial', async () => {
    const { clock, find, remember } = open()
    for (let job = 0; job < 50; job++) remember('permission-denied')
    await clock.advance(60_000)
    expect(find()).toBeNull()
  })

  it('begins anew when the account got the model in between', async () => {
    const { clock, refused, find, remember } = open()
    remember('permission-denied')
    await clock.advance(60_000)
    remember('permission-denied')
    refused.forget('glm/main', 'glm-5.3')
    expect(find()).toBeNull()
    remember('permission-denied')
    await clock.advance(60_000)
    expect(find()).toBeNull()
  })

  it('is forgotten for one account or for all when the operator says so, with the length of the row', async () => {
    const { clock, refused, find, remember } = open()
    remember('permission-denied')
    await clock.advance(60_000)
    remember('permission-denied')
    refused.remember('glm/main2', 'glm-5.3', failure('permission-denied'))
    expect(refused.forgetAll('glm/main')).toEqual(['glm/main glm-5.3'])
    expect(find()).toBeNull()
    expect(find('glm/main2')).not.toBeNull()
    remember('permission-denied')
    await clock.advance(60_000)
    expect(find()).toBeNull()
    refused.remember('glm/main2', 'glm-5.2', failure('model-unknown'))
    expect(refused.forgetAll()).toEqual(['glm/main2 glm-5.2'])
    expect(refused.forgetAll()).toEqual([])
  })

  it('keeps neither to another account, to another model, nor what will pass by itself', () => {
    const { find, remember } = open()
    remember('permission-denied')
    expect(find('glm/other')).toBeNull()
    expect(find('glm/main', 'glm-5.2')).toBeNull()
    const passing = open()
    for (const code of ['rate-limited', 'provider-error', 'credential-rejected', 'quota-exhausted'] as const)
      passing.remember(code)
    expect(passing.find()).toBeNull()
  })

  it('forgets the oldest beyond its bound', () => {
    const { refused, find } = open()
    for (let i = 0; i <= 1_024; i++) refused.remember('glm/main', `m-${i}`, failure('permission-denied'))
    expect(find('glm/main', 'm-0')).toBeNull()
    expect(find('glm/main', 'm-1024')).not.toBeNull()
  })
})
