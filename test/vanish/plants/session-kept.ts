// Nobody forgets an idle session.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/sessions.ts',
  "else if (session.lastUsedAt <= before) this.close(session, 'idle')",
  '',
)
