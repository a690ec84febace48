import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectLine } from './connect-line.ts'

const url = 'http://127.0.0.1:3005'
let scratch = ''
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), 'exai-line-')))
})
afterAll(() => {
  rmSync(scratch, { recursive: true })
})

/** An installation whose launcher prints its arguments. */
function install(folder: string): string {
  const bin = join(scratch, folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const launcher = join(bin, 'exai.js')
  writeFileSync(launcher, '#!/usr/bin/env node\nconsole.log(JSON.stringify(process.argv.slice(2)))\n')
  chmodSync(launcher, 0o755)
  return launcher
}

function link(launcher: string, folder: string): string {
  const bin = join(scratch, folder)
  mkdirSync(bin, { recursive: true })
  symlinkSync(launcher, join(bin, 'exai'))
  return bin
}

test('where exai on the PATH is this installation, the line is the short one', () => {
  const launcher = install('one')
  const bin = link(launcher, 'bin-one')
  expect(connectLine({ url, launcher, env: { PATH: `/nowhere${delimiter}${bin}` } })).toBe(
    `claude mcp add-json exai '{"type":"http","url":"http://127.0.0.1:3005/mcp","headersHelper":"exai id"}'`,
  )
})

test('another exai, one behind another, or one that only npm sees, is not this installation', () => {
  const launcher = install('two')
  const other = link(install('other'), 'bin-other')
  const own = link(launcher, 'bin-two')
  const npms = link(launcher, join('project', 'node_modules', '.bin'))
  const long = `"headersHelper":"node \\"${launcher}\\" id"`
  expect(connectLine({ url, launcher, env: {} })).toContain(long)
  expect(connectLine({ url, launcher, env: { PATH: other } })).toContain(long)
  expect(connectLine({ url, launcher, env: { PATH: `${other}${delimiter}${own}` } })).toContain(long)
  expect(connectLine({ url, launcher, env: { PATH: npms, npm_execpath: '/npm' } })).toContain(long)
  expect(connectLine({ url, launcher, env: { PATH: npms } })).toContain('"exai id"')
})

test.each(['plain', 'a space', `it's`, 'say "hi"', 'cash $HOME `date` \\ back', `all 'of' "it" $(x) \\\\ !`])(
  'from a folder called %s the line works as printed, and so does the helper in it',
  (folder) => {
    const launcher = install(folder)
    const claude = join(scratch, 'claude')
    writeFileSync(claude, `#!${process.execPath}\nconsole.log(JSON.stringify(process.argv.slice(2)))\n`)
    chmodSync(claude, 0o755)
    const env = {
      PATH: [scratch, dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      HOME: '/no',
    }
    const shell = (command: string): unknown => {
      const ran = spawnSync('sh', ['-c', command], { encoding: 'utf8', env })
      expect(ran.stderr).toBe('')
      return JSON.parse(ran.stdout)
    }
    const args = shell(connectLine({ url, launcher, env: {} })) as string[]
    expect(args.slice(0, 3)).toEqual(['mcp', 'add-json', 'exai'])
    const server = JSON.parse(args[3] ?? '') as { type: string; url: string; headersHelper: string }
    expect(server).toMatchObject({ type: 'http', url: `${url}/mcp` })
    expect(shell(server.headersHelper)).toEqual(['id'])
  },
)
