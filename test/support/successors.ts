// Servers over one data folder, each of which may take the place of the one before, all in the process of the test.

import { join } from 'node:path'
import type { Simulator } from '../../simulator/server.ts'
import { type Ear, openEar } from '../../src/cli/replace/ear.ts'
import type { Predecessor } from '../../src/cli/replace/predecessor.ts'
import { loadConfig } from '../../src/config/load.ts'
import { createServer, type Server } from '../../src/server.ts'
import type { Tool } from '../../src/tools/tool.ts'
import { fixtureKeys } from './server-fixture.ts'

/** One of them. */
export interface Life {
  readonly server: Server
  readonly url: string
  readonly port: number
  readonly ear: Ear
}

/** Those of one home, whose data folder is `data`. */
export class Successors {
  readonly #home: string
  readonly #simulator: Simulator
  readonly #extraTools: readonly Tool[]
  readonly #lives: Life[] = []

  constructor(home: string, simulator: Simulator, extraTools: readonly Tool[] = []) {
    this.#home = home
    this.#simulator = simulator
    this.#extraTools = extraTools
  }

  /** Starts one, as `exai serve` does, or `exai serve --replace`. */
  async begin(before: Predecessor | null = null): Promise<Life> {
    const dataDir = join(this.#home, 'data')
    const config = loadConfig({
      cwd: this.#home,
      env: {
        HOME: this.#home,
        EXAI_PORT: '0',
        EXAI_DATA_DIR: dataDir,
        EXAI_GLM_BASE_URL: this.#simulator.glmBaseUrl,
        ZAI_API_KEY: fixtureKeys.glm,
      },
    })
    await before?.rest()
    const server = await createServer({
      config,
      onStray: before?.onStray,
      extraTools: this.#extraTools,
      log: { write: () => undefined },
    })
    const { url, port } = await server.listen(before?.port)
    await before?.release()
    const ear = await openEar(dataDir, { host: '127.0.0.1', port }, server)
    before?.heard()
    const life = { server, url, port, ear }
    this.#lives.push(life)
    return life
  }

  /** Ends all. */
  async end(): Promise<void> {
    for (const { server, ear } of this.#lives.splice(0)) {
      await ear.close()
      await server.destroy()
    }
  }
}
