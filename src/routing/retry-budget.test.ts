import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../lib/virtual-clock.ts'
import { RetryBudget } from './retry-budget.ts'

const withdrawals = (budget: RetryBudget, provider = 'glm'): number => {
  let count = 0
  // A purse without a bottom must not hold the test up.
  while (count < 100 && budget.withdraw(provider)) count++
  return count
}

describe('retry budget', () => {
  it('lets a quiet server retry ten times a minute, and no more at once', async () => {
    const clock = new VirtualClock()
    const budget = new RetryBudget({ clock })
    expect(withdrawals(budget)).toBe(10)
    await clock.advance(5999)
    expect(withdrawals(budget)).toBe(0)
    await clock.advance(1)
    expect(withdrawals(budget)).toBe(1)
    await clock.advance(3_600_000)
    expect(withdrawals(budget)).toBe(10)
  })

  it('earns a retry with each fifth first attempt, and spends what is earned before the floor', async () => {
    const clock = new VirtualClock()
    const budget = new RetryBudget({ clock })
    for (let i = 0; i < 5; i++) budget.deposit('glm')
    expect(budget.left('glm')).toBe(11)
    expect(budget.withdraw('glm')).toBe(true)
    expect(budget.left('glm')).toBe(10)
    await clock.advance(60_000)
    expect(budget.left('glm')).toBe(10)
  })

  it('keeps no more than twenty earned retries for a storm', () => {
    const budget = new RetryBudget({ clock: new VirtualClock() })
    for (let i = 0; i < 1000; i++) budget.deposit('glm')
    expect(withdrawals(budget)).toBe(30)
  })

  it('keeps each provider its own purse', () => {
    const budget = new RetryBudget({ clock: new VirtualClock() })
    expect(withdrawals(budget, 'glm')).toBe(10)
    expect(withdrawals(budget, 'kimi')).toBe(10)
    expect([budget.left('glm'), budget.left('kimi'), budget.left('another')]).toEqual([0, 0, 10])
  })

  it('takes other shares and floors', () => {
    const budget = new RetryBudget({ clock: new VirtualClock(), share: 0.5, floorPerMinute: 2 })
    for (let i = 0; i < 4; i++) budget.deposit('glm')
    expect(withdrawals(budget)).toBe(4)
  })
})
