// The matrix's twins: the same run on a server with a fault planted, a few rows each, which must come out wrong in the row that the
// fault is about. A matrix that nothing can spoil proves nothing.

import { type Plant, runPlants } from '../support/run-plants.ts'

const plants: readonly Plant[] = [
  {
    name: 'truncated-is-done',
    about: 'a stream without its end counts as an answer',
    args: ['--only', 'end-without-done'],
    seen: /Not as expected: glm end-without-done .*attempts: glm done /,
  },
  {
    name: 'hole-is-done',
    about: 'an answer without the word that stood in a cut frame counts as whole',
    args: ['--only', 'glued-frame'],
    seen: /Not as expected: glm glued-frame .*attempts: glm done /,
  },
  {
    name: 'absurd-usage',
    about: 'any number is believed to be a count of tokens',
    args: ['--only', 'usage-absurd'],
    seen: /Not as expected: glm usage-absurd .*attempts: glm done counted; not: glm done estimated/,
  },
  {
    name: 'slot-kept',
    about: 'the slot of an answer that was counted never goes back',
    args: ['--only', 'server-error'],
    seen: /Not as expected: glm server-error .*left: groups\./,
  },
  {
    name: 'no-budget',
    about: 'every retry is allowed',
    args: ['--only', 'outage'],
    seen: /Not as expected: outage: the retry budget/,
  },
  {
    name: 'silent-death',
    about: 'nobody hears of a dead key',
    args: ['--only', 'dead-key'],
    seen: /Not as expected: glm dead-key .*the operator hears: dead glm\/main#0 \(inspect only\)/,
  },
]

/** Runs every plant; answers the exit code. */
export const sabotage = (): number => runPlants(import.meta.dirname, plants)
