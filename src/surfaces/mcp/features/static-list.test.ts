import { expect, test } from 'vitest'
import { createModernWriter } from './result-writer.ts'
import { StaticList } from './static-list.ts'

const modern = createModernWriter({ name: 'x', version: '1' })
const hints = { ttlMs: 1_000, cacheScope: 'public' } as const
const listOf = (count: number, pageSize = 3): StaticList =>
  new StaticList({
    member: 'things',
    items: Array.from({ length: count }, (_, n) => ({ n })),
    hints,
    modern,
    pageSize,
  })

test('pages hold every item once and end without a cursor', () => {
  for (const era of ['legacy', 'modern'] as const) {
    const seen: number[] = []
    let cursor: unknown
    do {
      const page = JSON.parse(listOf(8).page(cursor, era) ?? '')
      seen.push(...page.things.map(({ n }: { n: number }) => n))
      cursor = page.nextCursor
      if (era === 'modern') expect(page).toMatchObject({ resultType: 'complete', ...hints })
      else expect(page).not.toHaveProperty('ttlMs')
    } while (cursor !== undefined)
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  }
})

test('the bytes are the same until the set changes, and then its cursors are none', () => {
  expect(listOf(8).page(undefined, 'legacy')).toBe(listOf(8).page(undefined, 'legacy'))
  const { nextCursor } = JSON.parse(listOf(8).page(undefined, 'legacy') ?? '')
  expect(listOf(8).page(nextCursor, 'legacy')).not.toBeNull()
  expect(listOf(9).page(nextCursor, 'legacy')).toBeNull()
  for (const wrong of ['', 'x', 7, null, {}, `${nextCursor}=`]) {
    expect(listOf(8).page(wrong, 'modern')).toBeNull()
  }
})

test('an empty list is one empty page', () => {
  expect(listOf(0).page(undefined, 'legacy')).toBe('{"things":[]}')
})
