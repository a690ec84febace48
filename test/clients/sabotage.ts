// The table's twins: the same clients before a server with a fault planted must not all get what they ask for.

import { type Plant, runPlants } from '../support/run-plants.ts'

const plants: readonly Plant[] = [
  {
    name: 'answers-swapped',
    about: 'two clients get each other’s answers',
    args: ['--windows', '1'],
    seen: /, call: .*-MARK/,
  },
  {
    name: 'cancel-unheard',
    about: 'a call that its client cancelled goes on',
    args: ['--windows', '1'],
    seen: /^.*still in progress.*\n.*"left":1/m,
  },
]

/** Runs every plant; answers the exit code. */
export const sabotage = (): number => runPlants(import.meta.dirname, plants)
