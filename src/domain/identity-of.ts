// Callers for tests and benches: said in one line, and whole.

import type { Identity } from './identity.ts'
import type { ClientId, PrincipalName } from './ids.ts'

/** A client of a principal, on this machine, in no team and with no folder; its label is the client's name, else the principal's. */
export function identityOf(
  principal: string,
  client: string | null = null,
  more: Partial<Identity> = {},
): Identity {
  return {
    team: null,
    principal: principal as PrincipalName,
    client: client as ClientId | null,
    label: client ?? principal,
    root: null,
    isLocal: true,
    ...more,
  }
}
