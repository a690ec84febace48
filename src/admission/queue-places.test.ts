import { expect, it } from 'vitest'
import { leaseRequestOf } from './lease-request-of.ts'
import type { QueuePlace } from './queue-place.ts'
import { leased, openSmallGroup } from './small-group.ts'

function open() {
  const { clock, group } = openSmallGroup({ waitMsMax: 120_000 })
  const ask = (principal: string) => {
    const places: QueuePlace[] = []
    const onPlace = (place: QueuePlace) => void places.push(place)
    return { places, answer: group.acquire(leaseRequestOf({ principal, onPlace })) }
  }
  return { clock, group, ask }
}

it('tells nobody the same place again within ten seconds, whoever comes behind', async () => {
  const { clock, ask } = open()
  const first = await leased(ask('anna').answer)
  await clock.advance(6000)
  const waits = ask('bert')
  await clock.advance(1000)
  const behind = ask('carl')
  await clock.advance(1000)
  expect(waits.places).toHaveLength(1)
  await clock.advance(8000)
  expect(waits.places).toHaveLength(2)
  first.release()
  for (const each of [waits, behind]) (await leased(each.answer)).release()
})

it('puts off no word of a changed place because more changes follow', async () => {
  const { clock, group, ask } = open()
  const first = await leased(ask('anna').answer)
  const [own, other] = [ask('anna'), ask('bert')]
  await clock.advance(1000)
  expect(own.places.at(-1)).toMatchObject({ position: 2 })
  group.setOrder('first-come')
  await clock.advance(400)
  group.setWeight('bert', 2)
  await clock.advance(100)
  expect(own.places.at(-1)).toMatchObject({ position: 1 })
  first.release()
  for (const each of [own, other]) (await leased(each.answer)).release()
})

it('comes to an end where ten seconds of a clock with fractions are a grain short', async () => {
  const { clock, ask } = open()
  const first = await leased(ask('anna').answer)
  await clock.advance(6384.1)
  const waits = ask('bert')
  await clock.advance(500.3)
  await clock.advance(20_000)
  expect(waits.places).toHaveLength(3)
  first.release()
  ;(await leased(waits.answer)).release()
})
