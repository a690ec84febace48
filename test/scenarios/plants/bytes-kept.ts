// Each message that is parsed stays in memory, ten kilobytes of it.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/surfaces/mcp/envelope.ts',
  '    message = JSON.parse(text)',
  `    message = JSON.parse(text)
    ;(globalThis.sabotagedTexts ??= []).push(new Array(2_500).fill(text.length))`,
)
