// The suite’s tool answers with one JSON body, where the suite then looks at nothing and calls that passed.

import { plantFault } from '../../support/plant-fault.ts'

plantFault('/test/conformance/reconnection.ts', "pace: 'long'", "pace: 'instant'")
