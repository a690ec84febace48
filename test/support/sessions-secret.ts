// The secret of the servers of `sessions-child.ts`: whoever has it makes session ids that such a server has never seen.

import type { SealSecrets } from '../../src/lib/sealed-token.ts'

const secret = { id: 1, bytes: Buffer.alloc(32, 4) }

/** Opens every session of a `sessions-child.ts`. */
export const sessionSecrets: SealSecrets = {
  newest: () => secret,
  find: (id) => (id === secret.id ? secret : null),
}
