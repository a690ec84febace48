// Each message that is parsed makes an object literal with a getter, which reaches as much as a request does: eight kilobytes.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/envelope.ts',
  '  const id = message.id\n',
  `  const id = message.id
  const reached = new Array(1_000).fill(0)
  void { get kept() { return reached } }
`,
)
