import { describe, expect, it } from 'vitest'
import { timeoutDefaults, timeoutsFor } from './model-timeouts.ts'
import type { ModelInfo } from './provider.ts'

function model(thinking: ModelInfo['thinking'], contextTokens: number | null = 128_000): ModelInfo {
  return {
    id: 'some-model',
    contextTokens,
    outputTokensMax: null,
    thinking,
    efforts: [],
    vision: false,
    price: null,
  }
}

describe('how long a model may say nothing', () => {
  const given = { firstTokenMs: { plain: 1, thinking: 2 }, silenceMs: { plain: 3, thinking: 4 } }
  const plain = { firstPartTimeoutMs: 1, silenceTimeoutMs: 3 }
  const thinking = { firstPartTimeoutMs: 2, silenceTimeoutMs: 4 }

  it.each([
    ['never thinks', {}, model('none'), plain],
    ['always thinks', { thinking: 'off' }, model('always'), thinking],
    ['may think, and is let', {}, model('optional'), thinking],
    ['may think, and is told not to', { thinking: 'off' }, model('optional'), plain],
    ['is not known', { thinking: 'off' }, null, thinking],
    ['is known by its name alone', { thinking: 'off' }, model('none', null), thinking],
  ] as const)('one that %s has the time of its pace, as given', (_what, job, info, expected) => {
    expect(timeoutsFor(given, job, info)).toEqual(expected)
  })

  it('is a minute where nobody has said otherwise, and two and a half or three where it thinks', () => {
    expect(timeoutsFor(timeoutDefaults, {}, model('none'))).toEqual({
      firstPartTimeoutMs: 60_000,
      silenceTimeoutMs: 60_000,
    })
    expect(timeoutsFor(timeoutDefaults, {}, model('always'))).toEqual({
      firstPartTimeoutMs: 150_000,
      silenceTimeoutMs: 180_000,
    })
  })
})
