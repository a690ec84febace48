import { expect, it } from 'vitest'
import { WaitingPlaces } from './waiting-places.ts'

it('gives a place of whoever has most to one that has fewer, the newest first, and tells it', () => {
  const places = new WaitingPlaces(6)
  const anna = [1, 2, 3, 4].map(() => places.enter('anna'))
  const ben = [1, 2].map(() => places.enter('ben'))
  const cleo = places.enter('cleo')
  expect(cleo).not.toBeNull()
  expect(anna.map((place) => place?.taken.aborted)).toEqual([false, false, false, true])
  expect(ben.map((place) => place?.taken.aborted)).toEqual([false, false])
  expect(places.size).toBe(6)
})

it('takes nothing for one that would have as many, and nothing twice', () => {
  const places = new WaitingPlaces(4)
  const anna = [1, 2, 3].map(() => places.enter('anna'))
  expect(places.enter('anna')).not.toBeNull()
  expect(places.enter('anna')).toBeNull()
  const ben = places.enter('ben')
  expect(places.enter('ben')).not.toBeNull()
  expect(places.enter('ben')).toBeNull()
  ben?.leave()
  ben?.leave()
  expect(places.size).toBe(3)
  for (const place of anna) place?.leave()
  expect(places.size).toBe(1)
})
