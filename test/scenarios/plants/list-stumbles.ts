// What is no message stands in a list, and is a slip of ours.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/legacy/batch.ts',
  '    const judged = judgeMessage(message)',
  `    const judged = judgeMessage(message)
    if (judged.kind === 'malformed') throw new Error('sabotaged')`,
)
