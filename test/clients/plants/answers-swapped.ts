// Each call gets the answer of the call before it to the same tool, whoever made that.

import { plantFault } from '../../support/plant-fault.ts'

plantFault(
  '/src/calls/run.ts',
  "(value) => resolve({ kind: 'done', value })",
  `(value) => {
    const answers = (globalThis.sabotagedAnswers ??= new Map())
    const foreign = answers.get(options.name) ?? value
    answers.set(options.name, value)
    resolve({ kind: 'done', value: foreign })
  }`,
)
