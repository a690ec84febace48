import { describe, expect, it } from 'vitest'
import { expandModelName, knownNames, type ModelNames } from './model-names.ts'

const eight = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8']

describe('a name of the config', () => {
  it('stands for eight models at most, its own among them', () => {
    const names: ModelNames = { aliases: {}, chains: { m9: [...eight, 'm9'] } }
    expect(expandModelName('m9', names)).toEqual(eight)
  })

  it('is not looked into any further once it stands for eight models', () => {
    let looks = 0
    const chains = {
      chat: [...eight, 'more'],
      get more() {
        looks++
        return ['m9']
      },
    }
    expect(expandModelName('chat', { aliases: {}, chains })).toEqual(eight)
    expect(looks).toBe(0)
    expect(expandModelName('more', { aliases: {}, chains })).toEqual(['m9'])
    expect(looks).toBe(1)
  })

  it('may lead through seven other names to a model, and what lies deeper is cut', () => {
    const aliases = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`n${index}`, `n${index + 1}`]),
    )
    // Each name leads to the next and to a model of its own.
    const chains = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`c${index}`, [`c${index + 1}`, `m${index}`]]),
    )
    expect(expandModelName('c0', { aliases: {}, chains })).toEqual(['m6', 'm5', 'm4', 'm3', 'm2', 'm1', 'm0'])
    expect(expandModelName('n5', { aliases, chains: {} })).toEqual(['n12'])
    expect(expandModelName('n4', { aliases, chains: {} })).toEqual(['n4'])
  })

  it('that is an alias of itself stands for the model of that name', () => {
    const names: ModelNames = { aliases: { 'glm-5.2': 'glm-5.2' }, chains: { chat: ['glm-5.2', 'kimi-k3'] } }
    expect(expandModelName('glm-5.2', names)).toEqual(['glm-5.2'])
    expect(expandModelName('chat', names)).toEqual(['glm-5.2', 'kimi-k3'])
  })

  it('is told with the models behind it, aliases first and no more than asked for', () => {
    const names: ModelNames = {
      aliases: { fast: 'glm-5.3-flash' },
      chains: { chat: ['fast', 'kimi-k3'], review: ['kimi-k3'] },
    }
    expect(knownNames(names, 2)).toEqual([
      { name: 'fast', models: ['glm-5.3-flash'] },
      { name: 'chat', models: ['glm-5.3-flash', 'kimi-k3'] },
    ])
  })
})
