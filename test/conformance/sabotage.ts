// The suite's twins: the same run on a server with a fault planted must complain about the scenario that the fault is about.

import { type Plant, runPlants } from '../support/run-plants.ts'

const older = ['--revision', '2025-11-25']
const newer = ['--revision', '2026-07-28']
const http = ['--door', 'http']
const webSocket = ['--door', 'websocket']

const plants: readonly Plant[] = [
  {
    name: 'frames-lost',
    about: 'progress never leaves over a WebSocket',
    args: [...webSocket, ...older],
    seen: /websocket, 2025-11-25: tools-call-with-progress fails/,
  },
  {
    name: 'era-forgotten',
    about: 'a WebSocket takes the first request of 2026-07-28 for one of the older era',
    args: [...webSocket, ...newer],
    seen: /websocket, 2026-07-28: server-stateless fails/,
  },
  {
    name: 'headers-trusted',
    about: 'nobody compares an argument with its header',
    args: [...http, ...newer],
    seen: /http, 2026-07-28: http-custom-header-server-validation fails/,
  },
  {
    name: 'way-back-lost',
    about: 'who comes back to a stream hears nothing',
    args: [...http, ...older],
    seen: /http, 2025-11-25: server-sse-polling fails/,
  },
  {
    name: 'nothing-to-see',
    about: 'the fixture gives the suite no stream to look at',
    args: [...http, ...older],
    seen: /http, 2025-11-25: server-sse-polling found nothing to look at/,
  },
]

/** Runs every plant; answers the exit code. */
export const sabotage = (): number => runPlants(import.meta.dirname, plants)
