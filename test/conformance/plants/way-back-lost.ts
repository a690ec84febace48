// Whoever comes back to a stream gets a new one, and the old one’s answer stays where it is.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/src/surfaces/mcp/legacy/http.ts', "typeof lastEventId === 'string' ?", 'lastEventId === null ?')
