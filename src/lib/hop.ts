// The mark this process puts on every request it makes to a vendor. Met again at our own door, it tells that a provider's address leads
// back here, through whatever names and proxies: such a request must not become another one. It says nothing about who asks.

import { randomUUID } from 'node:crypto'

/** The header, in lower case. */
export const hopHeader = 'x-exai-hop'

/** This process, for as long as it lives. */
export const ownHop: string = randomUUID()
