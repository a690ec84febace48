// A port to come back to. One that the system had chosen could be chosen again, by any test that runs beside, while its server is away;
// so these lie below what systems choose from, and each worker of the test runner has its own.

import { once } from 'node:events'
import { createServer } from 'node:net'

const lowest = 10_000
// Linux chooses from 32768 on, others from 49152 on.
const count = 22_000
const workersMax = 8

const worker = Number(process.env.VITEST_POOL_ID ?? 0) % workersMax
let next = Math.floor((Math.random() * count) / workersMax)

/** A loopback port that nobody listens on, and that nobody is given: a server may be stopped and find it free again. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < count / workersMax; tries++) {
    const port = lowest + ((next++ * workersMax + worker) % count)
    const probe = createServer()
    probe.listen(port, '127.0.0.1')
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    probe.close()
    await once(probe, 'close')
    return port
  }
  throw new Error(`Every port tried from ${lowest} to ${lowest + count} is in use.`)
}
