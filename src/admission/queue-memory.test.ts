import { describe, expect, it } from 'vitest'
import { forgetClients, forgiveAll } from './queue-memory.ts'
import { type ClientNode, newClient, newPrincipal, type PrincipalNode } from './queue-tree.ts'
import { VirtualTime } from './virtual-time.ts'

function principalWith(...virtuals: readonly number[]): PrincipalNode<string> {
  const principal = newPrincipal<string>('anna')
  virtuals.forEach((virtual, index) => {
    const client = newClient(`w${index}`, principal)
    client.virtual = virtual
    principal.clients.set(client.key, client)
  })
  return principal
}
const keysOf = (principal: PrincipalNode<string>): readonly string[] => [...principal.clients.keys()]
const clientOf = (principal: PrincipalNode<string>, key: string): ClientNode<string> => {
  const client = principal.clients.get(key)
  if (client === undefined) throw new Error(`no client ${key}`)
  return client
}

describe('what a queue forgets', () => {
  it('is a client whose siblings have passed it, and none that owes them something', () => {
    const principal = principalWith(10, 20, 30)
    const waits = newClient('waits', principal)
    principal.clients.set('waits', waits)
    waits.jobs = 1
    waits.virtual = 20
    principal.level.join(waits)
    forgetClients(principal, 0)
    expect(keysOf(principal)).toEqual(['w2', 'waits'])
  })

  it('is no client that waits or runs', () => {
    const principal = principalWith(0, 0, 0)
    clientOf(principal, 'w0').jobs = 1
    clientOf(principal, 'w1').inFlight = 1
    forgetClients(principal, 0)
    expect(keysOf(principal)).toEqual(['w0', 'w1'])
  })

  it('is also the smallest debt when there are too many debtors', () => {
    const principal = principalWith(40, 10, 30, 20)
    forgetClients(principal, 4)
    expect(keysOf(principal)).toHaveLength(4)
    forgetClients(principal, 2)
    expect(keysOf(principal)).toEqual(['w0', 'w2'])
  })
})

describe('forgiveness', () => {
  it('makes all principals equal, and in each all its clients', () => {
    const root = new VirtualTime<PrincipalNode<string>>()
    const [anna, bert] = [principalWith(10, 25), principalWith(7)]
    anna.virtual = 100
    bert.virtual = 40
    forgiveAll(root, [anna, bert])
    expect([anna.virtual, bert.virtual]).toEqual([100, 100])
    expect([...anna.clients.values()].map(({ virtual }) => virtual)).toEqual([25, 25])
    expect(clientOf(bert, 'w0').virtual).toBe(7)
  })
})
