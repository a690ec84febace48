// What a fair queue may forget. A client's virtual time is its debt to its siblings: it is kept while it says anything, so
// that reconnecting under the same name gains nothing.

import type { PrincipalNode } from './queue-tree.ts'

/**
 * Forgets idle clients whose virtual time their siblings have passed: they would be lifted to the same place. When more
 * than `keepMax` idle ones remain and it is not 0, those with the least debt go too, since memory is bounded.
 */
export function forgetClients<Payload>(principal: PrincipalNode<Payload>, keepMax: number): void {
  const idle = [...principal.clients.values()].filter((client) => client.jobs === 0 && client.inFlight === 0)
  const { reference } = principal.level
  const inDebt = idle.filter((client) => client.virtual > reference)
  for (const client of idle) if (client.virtual <= reference) principal.clients.delete(client.key)
  if (keepMax === 0 || inDebt.length <= keepMax) return
  inDebt.sort((a, b) => b.virtual - a.virtual)
  for (const client of inDebt.slice(keepMax)) principal.clients.delete(client.key)
}
