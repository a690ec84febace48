// The whole server under test with both vendors, in one thread and in virtual time: built from the sources as they are or with a
// mutant planted, and lent to a caller whose money is counted.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { createSimulator, type Simulator } from '../../simulator/server.ts'
import type { VirtualClock } from '../../src/lib/virtual-clock.ts'
import type { Server } from '../../src/server.ts'
import { type Rooms, room } from '../properties/kit.ts'
import { openHttpWindow } from '../support/http-window.ts'
import { nothingLeftOpen, openHandles } from '../support/leftovers.ts'
import { admitPerson } from '../support/people.ts'
import { openSocketWindow } from '../support/socket-window.ts'
import type { Window } from '../support/window-call.ts'

const servers = room<typeof import('../../src/server.ts')>('server.ts')
const configs = room<typeof import('../../src/config/load.ts')>('config/load.ts')
const clocks = room<typeof import('../../src/lib/virtual-clock.ts')>('lib/virtual-clock.ts')

/** A server that runs. */
export interface House {
  readonly server: Server
  readonly simulator: Simulator
  readonly clock: VirtualClock
  /** Called with each timer that the server sets, and when it is over. */
  onTimer: ((delayMs: number) => () => void) | null
  /** The server's data folder. */
  readonly dataDir: string
  /** The folder of the windows that have one. */
  readonly folder: string
  /** Opens a window of the caller; `close` closes it. */
  window(door: 'websocket' | 'modern', name: string): Promise<Window>
  /** Ends everything; throws when a handle is left open. `beforeWipe` sees the data folder of a server that has ended. */
  close(beforeWipe: () => void): Promise<void>
}

/** Whose money is counted. */
export const principal = 'anna'

const keys = {
  ZAI_API_KEY: 'sim-glm-account01.simulated-secret',
  MOONSHOT_API_KEY: 'sim-kimi-account02-simulated-secret',
}
const plenty = '{ requestsPerMinute: 1000000, burst: 1000000 }'
const yaml = `
providers: { glm: { concurrency: 1 }, kimi: { concurrency: 1 } }
limits: { client: ${plenty}, principal: ${plenty} }
log: { level: error }
`
// Prices begin on some day: virtual time must not begin in 1970.
const epochMs = Date.UTC(2026, 10, 22)

/** Builds and starts it. */
export async function openHouse(rooms: Rooms, more = ''): Promise<House> {
  const { createServer } = await rooms.load(servers)
  const { loadConfig } = await rooms.load(configs)
  const { VirtualClock: Virtual } = await rooms.load(clocks)
  const handles = openHandles()
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'exai-resumptions-')))
  const dataDir = join(home, 'data')
  const folder = join(home, 'project')
  mkdirSync(folder)
  writeFileSync(join(home, 'exai.yaml'), `${yaml}roots: [${JSON.stringify(folder)}]\n${more}`)
  const key = await admitPerson(dataDir, principal, { budgetUsdPerMonth: 1_000_000 })
  const simulator = createSimulator({})
  await simulator.listen()
  const clock = new Virtual()
  const ears: Pick<House, 'onTimer'> = { onTimer: null }
  const building = createServer({
    config: loadConfig({
      cwd: home,
      env: {
        HOME: home,
        EXAI_PORT: '0',
        EXAI_DATA_DIR: dataDir,
        EXAI_GLM_BASE_URL: simulator.glmBaseUrl,
        EXAI_KIMI_BASE_URL: simulator.kimiBaseUrl,
        ...keys,
      },
    }),
    clock: {
      now: () => clock.now(),
      wallMs: () => epochMs + clock.now(),
      after(delayMs, run) {
        const over = ears.onTimer?.(delayMs)
        const timer = clock.after(delayMs, () => {
          over?.()
          run()
        })
        const cancel = (): void => {
          over?.()
          timer.cancel()
        }
        return { cancel, [Symbol.dispose]: cancel }
      },
    },
  })
  const server = await building.catch(async (error: unknown) => {
    await simulator.close()
    throw error
  })
  const { url } = await server.listen()
  const windows: Window[] = []
  return Object.assign(ears, {
    server,
    simulator,
    clock,
    dataDir,
    folder,
    async window(door: 'websocket' | 'modern', name: string): Promise<Window> {
      const facts = { url, name, key, isAnonymous: false }
      const window = await (door === 'websocket' ? openSocketWindow(facts) : openHttpWindow(door, facts))
      windows.push(window)
      return window
    },
    async close(beforeWipe: () => void): Promise<void> {
      await Promise.all(windows.map((window) => window.close()))
      try {
        let isOver = false
        const destroyed = server.destroy().finally(() => {
          isOver = true
        })
        // What was left behind is waited for, and the wait ends by time.
        while (!isOver) {
          await clock.advance(100)
          await setImmediate()
        }
        await destroyed
        await simulator.close()
        beforeWipe()
      } finally {
        rmSync(home, { recursive: true, force: true })
      }
      await nothingLeftOpen(handles, 10_000)
    },
  })
}
