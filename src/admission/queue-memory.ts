// What a fair queue may forget. A client's virtual time is its debt to its siblings: it is kept while it says anything, so
// that reconnecting under the same name gains nothing.

interface Child {
  readonly key: string
  readonly virtual: number
  readonly jobs: number
  readonly inFlight: number
}

/** A level of children that share, as much of it as is needed here. */
interface Level<Each> {
  readonly reference: number
  raise(child: Each, to: number): void
}

/** A principal, or whatever else has children that share. */
interface Parent {
  readonly clients: Map<string, Child>
  readonly level: Level<Child>
}

/**
 * Forgets idle clients whose virtual time their siblings have passed: they would be lifted to the same place. When more
 * than `keepMax` idle ones remain and it is not 0, those with the least debt go too, since memory is bounded.
 */
export function forgetClients(principal: Parent, keepMax: number): void {
  const idle = [...principal.clients.values()].filter((client) => client.jobs === 0 && client.inFlight === 0)
  const { reference } = principal.level
  const inDebt = idle.filter((client) => client.virtual > reference)
  for (const client of idle) if (client.virtual <= reference) principal.clients.delete(client.key)
  if (keepMax === 0 || inDebt.length <= keepMax) return
  inDebt.sort((a, b) => b.virtual - a.virtual)
  for (const client of inDebt.slice(keepMax)) principal.clients.delete(client.key)
}

/**
 * Makes everybody equal from here on. Who had more while the queue was first come first served took what it was given: it
 * must share now, and need not wait until the others have caught up.
 */
export function forgiveAll<Principal extends Parent & { readonly virtual: number }>(
  root: Level<Principal>,
  principals: readonly Principal[],
): void {
  const most = greatest(principals)
  for (const principal of principals) {
    root.raise(principal, most)
    const clients = [...principal.clients.values()]
    const mostOfClients = greatest(clients)
    for (const client of clients) principal.level.raise(client, mostOfClients)
  }
}

function greatest(nodes: readonly { readonly virtual: number }[]): number {
  return nodes.reduce((most, { virtual }) => Math.max(most, virtual), 0)
}
