import { expect, it } from 'vitest'
import { conversationLot } from './conversation-lot.ts'

it('is drawn for a conversation once and for all, evenly, and anew at each place', () => {
  const lots = Array.from({ length: 2_000 }, (_, index) => conversationLot(`conversation ${index}`, 'glm'))
  expect(conversationLot('conversation 7', 'glm')).toBe(lots[7])
  expect(conversationLot('conversation 7', 'kimi')).not.toBe(lots[7])
  for (const part of [0.1, 0.25, 0.5, 0.75, 0.9]) {
    const share = lots.filter((lot) => lot < part).length / lots.length
    // Four deviations of 2,000 draws are at most 0.045.
    expect(Math.abs(share - part)).toBeLessThan(0.045)
  }
  expect(Math.min(...lots)).toBeGreaterThan(0)
  expect(Math.max(...lots)).toBeLessThan(1)
})
