// Somebody remembers every session that was closed.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/sessions.ts',
  'if (!this.#byToken.delete(session.token)) return',
  'if (!this.#byToken.delete(session.token)) return;(globalThis.remembered ??= []).push(session)',
)
