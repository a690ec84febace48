import { describe, expect, it } from 'vitest'
import { RecentService } from './recent-service.ts'

describe('service of late', () => {
  it('halves every minute, and what comes is added to what is left', () => {
    const service = new RecentService()
    expect(service.at(5_000)).toBe(0)
    service.add(800, 5_000)
    expect(service.at(5_000)).toBe(800)
    expect(service.at(65_000)).toBe(400)
    service.add(100, 125_000)
    expect(service.at(125_000)).toBe(300)
    expect(service.at(185_000)).toBe(150)
  })

  it('is nothing in the end, and never less', () => {
    const service = new RecentService()
    service.add(1e12, 0)
    expect(service.at(1e12)).toBe(0)
  })
})
