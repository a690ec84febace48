// Portkey's gateway as a contestant: one pinned version, fetched into a cache on demand, never a dependency of ours. It has no
// queue; it is given the retries it offers for a vendor that says "too many at once". It takes no streams here: as npm installs
// it today every streamed request ends with 500, so its windows ask without.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { launch } from '../support/launched.ts'
import { type Contestant, freshPrompt, post } from './contestant.ts'
import { ended, type SimulatedVendor } from './simulated-vendor.ts'

const version = '1.15.2'
const cache = resolve(process.env.PORTKEY_CACHE ?? join(import.meta.dirname, '.cache'))
const retries = 5

/** Starts it before the vendor. Throws a sentence when it cannot take part. */
export async function startPortkey(vendor: SimulatedVendor): Promise<Contestant> {
  const program = ensurePortkey()
  const port = await freePort()
  const child = launch(process.execPath, [program, `--port=${port}`, '--headless'], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1,localhost' },
  })
  const agent = new Agent({ keepAlive: true })
  const headers = {
    authorization: 'Bearer sim-glm-main',
    'x-portkey-provider': 'openai',
    'x-portkey-custom-host': vendor.glm,
    'x-portkey-config': JSON.stringify({ retry: { attempts: retries, on_status_codes: [429] } }),
  }
  const url = `http://127.0.0.1:${port}/v1/chat/completions`
  const contestant: Contestant = {
    name: 'Portkey',
    knowsPrincipals: false,
    async ask(window, signal) {
      const body = { model: 'glm-5.2', messages: [{ role: 'user', content: freshPrompt(window) }] }
      const answer = await post(url, agent, headers, body, signal)
      return answer?.status === 200 && answer.text.includes('[simulated]') ? 'served' : 'refused'
    },
    async settle() {
      // It retries for those who have left; nothing tells when it is done with them.
      await sleep(3_000)
      await vendor.settle()
    },
    async stop() {
      agent.destroy()
      await ended(child)
    },
  }
  const probe = { name: 'probe', principal: '', party: '', isPolite: true, parallel: 1, timesAsBusy: null }
  const end = performance.now() + 15_000
  while ((await contestant.ask(probe, AbortSignal.timeout(5_000))) !== 'served') {
    if (performance.now() > end) {
      await contestant.stop()
      throw new Error(
        `Portkey ${version} started, and answered no request within 15 s. ${child.stderr().slice(-300)}`,
      )
    }
    await sleep(200)
  }
  return contestant
}

function ensurePortkey(): string {
  const folder = join(cache, `portkey-${version}`)
  const program = join(folder, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const spec = `@portkey-ai/gateway@${version}`
  const flags = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const result = spawnSync('npm', ['install', '--prefix', folder, ...flags, spec], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (result.status === 0 && existsSync(program)) return program
  throw new Error(`${spec} could not be installed into ${folder}. Is the package registry within reach?`)
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer()
    probe.once('error', failed)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
