// `exai key` as people run it, beside a server that runs: the line it prints works as printed, once, and ends with the key.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type Launched, launch, launcher } from '../support/launched.ts'

let scratch = ''
let running: Launched[] = []
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'exai-key-'))
})
afterAll(() => rmSync(scratch, { recursive: true }))
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL')
  await Promise.all(running.map(({ ended }) => ended))
  running = []
})

function exai(args: readonly string[], over: NodeJS.ProcessEnv = {}): Launched {
  const env = { PATH: process.env.PATH, HOME: scratch, EXAI_DATA_DIR: join(scratch, 'data'), ...over }
  const started = launch(process.execPath, [launcher, ...args], { cwd: scratch, env })
  running.push(started)
  return started
}

async function run(...args: readonly string[]): Promise<{ code: number | string; out: string; err: string }> {
  const done = exai(args)
  return { code: await done.ended, out: done.stdout(), err: done.stderr() }
}

test('add, list and revoke, beside a running server', async () => {
  expect((await run('key', 'list')).out).toContain('There are no keys')
  const added = await run(
    'key',
    'add',
    'anna',
    '--team',
    'blue',
    '--weight',
    '2',
    '--rpm',
    '90',
    '--tokens-per-day',
    '2000000',
    '--budget',
    '12.5',
  )
  expect(added).toMatchObject({ code: 0, err: expect.stringContaining('It is shown this once') })
  const json = /^claude mcp add-json exai '(\{.*\})'\n$/.exec(added.out)?.[1] ?? ''
  const line = JSON.parse(json) as {
    type: string
    url: string
    headers: Record<string, string>
    headersHelper: string
  }
  expect(line).toMatchObject({ type: 'http', url: 'http://127.0.0.1:3005/mcp' })
  expect(line.headersHelper).toMatch(/ id$/)
  const authorization = line.headers.Authorization ?? ''
  expect(authorization).toMatch(/^Bearer exai_[0-9A-Za-z]{49}$/)
  const file = join(scratch, 'data', 'keys.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'utf8')).not.toContain(authorization.slice(7))

  const listed = await run('key', 'list')
  expect(listed.out).toMatch(/anna +blue +2 +90 +default +2000000 +12\.5 +use +\d{4}-\d\d-\d\d +in force/)
  expect(listed.out).not.toContain('exai_')

  const changed = await run('key', 'set', 'anna', '--team', 'red', '--weight', '3', '--rpm', 'default')
  expect(changed).toMatchObject({
    code: 0,
    out: '',
    err: expect.stringContaining('Note: team red has no limits'),
  })
  expect((await run('key', 'list')).out).toMatch(
    /anna +red +3 +default +default +2000000 +12\.5 +use +\d{4}-\d\d-\d\d +in force/,
  )
  expect(await run('key', 'set', 'anna', '--team', '-', '--budget', '20', '--rpm', '90')).toMatchObject({
    code: 0,
    err: 'The key of anna is changed, and stays the key it is. A running server heeds it within a second: limits, budget and team for the next call, the weight for what waits too.\n',
  })
  expect((await run('key', 'list')).out).toMatch(/anna +- +3 +90 +default +2000000 +20 +use/)

  const server = exai(['serve', '--port', '0'])
  const [, url] = await server.until(/MCP +(http:\S+)\/mcp/)
  await server.until(/exai key add NAME/)
  expect(server.stderr()).not.toContain('claude mcp add-json')
  const status = async (): Promise<number> =>
    (await fetch(`${url}/files`, { headers: { authorization, connection: 'close' } })).status
  expect(await status()).toBe(200)
  expect((await fetch(`${url}/files`, { headers: { connection: 'close' } })).status).toBe(401)
  expect((await run('usage')).out).toBe(
    [
      'Nothing was used in that time.',
      'anna has 2000000 of 2000000 tokens left today (UTC).',
      'anna has 20 of 20 US dollars left this month (UTC).',
      '',
    ].join('\n'),
  )
  expect(await run('key', 'revoke', 'anna')).toMatchObject({ code: 0 })
  await vi.waitFor(async () => expect(await status()).toBe(401), { timeout: 20_000, interval: 50 })
  expect((await run('key', 'list')).out).toMatch(/anna .* revoked \d{4}/)
  expect(server.stderr() + server.stdout()).not.toContain(authorization.slice(12))
})

test('tells in one sentence what is wrong', async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['key', 'add', 'Anna B'], 1, /^name must be 1 to 64 small letters/],
    [['key', 'add', 'local'], 1, /^name must not be "local"/],
    [['key', 'add', 'bert', '--rpm', '0'], 1, /^--rpm must be a number from 1 to 1000000; it is "0"/],
    [['key', 'add', 'bert', '--tpm', '0'], 1, /^--tpm must be a number from 1 to 1000000000000; it is "0"/],
    [['key', 'add', 'bert', '--budget', 'much'], 1, /^--budget must be a number/],
    [
      ['key', 'add', 'bert', '--rpm', '1.5'],
      1,
      /^--rpm must be a whole number from 1 to 1000000; it is "1\.5"\./,
    ],
    [
      ['key', 'add', 'bert', '--tpm', '1000', '--tokens-per-day', '500'],
      1,
      /^--tpm 1000 is more than --tokens-per-day \(500\), so it could never be reached\. Lower it, or raise/,
    ],
    [['key', 'set', 'anna', '--tpm', '2.5'], 1, /^--tpm must be a whole number from 1 to /],
    [['key', 'set', 'anna', '--team', 'Two Words'], 1, /^(team must be 1 to 64|There is no key)/],
    [['key', 'set', 'nobody', '--weight', '2'], 1, /^There is no key for "nobody"\. See: exai key list/],
    [['key', 'set', 'anna'], 1, /^Nothing is to be changed\. Give at least one of --team, --weight, --rpm,/],
    [['key', 'revoke', 'nobody'], 1, /^There is no key for "nobody"/],
    [['key', 'add'], 2, /missing required argument 'name'/],
  ]
  for (const [args, code, sentence] of cases) {
    const done = await run(...args)
    expect(done).toMatchObject({ code, out: '' })
    expect(done.err.replace(/^error: /, '')).toMatch(sentence)
  }
})

test('the line for other computers names the address they see and the program they have', async () => {
  const done = exai(['key', 'add', 'carl'], { EXAI_HOST: '192.0.2.7', EXAI_DATA_DIR: join(scratch, 'far') })
  expect(await done.ended).toBe(0)
  expect(done.stdout()).toMatch(/"url":"http:\/\/192\.0\.2\.7:3005\/mcp".*"headersHelper":"exai id"\}'\n$/)
  expect(done.stderr()).toMatch(/Note: listen\.host: 192\.0\.2\.7 is reachable without TLS/)
})

test.each([
  ['add', 'anna'],
  ['set', 'anna', '--weight', '2'],
  ['revoke', 'anna'],
])('key %s says which data folder cannot be made, and ends', async (...args) => {
  const file = join(scratch, 'a-file')
  writeFileSync(file, '')
  for (const dataDir of ['/proc/exai', file, join(file, 'below')]) {
    const done = exai(['key', ...args], { EXAI_DATA_DIR: dataDir })
    expect(await done.ended).toBe(1)
    expect(done.stderr()).toContain(`The data folder ${dataDir} cannot be made`)
    expect(done.stdout()).toBe('')
  }
})
