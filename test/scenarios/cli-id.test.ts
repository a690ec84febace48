// `exai id` as Claude Code runs it: through shells and npx, under the machine's own Node, by windows that are processes.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, launcher, machinePath, nodes } from '../support/launched.ts'

interface Claim {
  readonly 'x-exai-client': string
  readonly 'x-exai-label': string
  readonly 'x-exai-root': string
}

let project = ''
let window = ''
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'exai-id-'))
  mkdirSync(join(project, '.git'))
  writeFileSync(join(project, '.git', 'HEAD'), 'ref: refs/heads/fix/one\n')
  mkdirSync(join(project, 'node_modules', '.bin'), { recursive: true })
  symlinkSync(launcher, join(project, 'node_modules', '.bin', 'exai'))
  writeFileSync(join(project, 'package.json'), '{"name":"a-project","private":true}')
  // A window: a process that runs each of its arguments as Claude Code runs a headersHelper, and prints what came out.
  window = join(project, 'window.mjs')
  writeFileSync(
    window,
    `import { execSync } from 'node:child_process'
for (const command of process.argv.slice(2))
  process.stdout.write(execSync(command, { stdio: ['ignore', 'pipe', 'inherit'] }).toString().trim() + '\\n')
`,
  )
  chmodSync(window, 0o755)
})
afterAll(() => {
  rmSync(project, { recursive: true })
})

describe.each(nodes())('under $name', ({ path: node }) => {
  // `node` and `exai` are found on the PATH, as on a person's machine.
  const env = (): NodeJS.ProcessEnv => ({
    PATH: [dirname(node), join(project, 'node_modules', '.bin'), machinePath()].join(delimiter),
    HOME: project,
    npm_config_update_notifier: 'false',
    npm_config_offline: 'true',
  })

  async function windowRuns(...commands: string[]): Promise<Claim[]> {
    const started = launch(node, [window, ...commands], { cwd: project, env: env() })
    expect(await started.ended, started.stderr()).toBe(0)
    const lines = started.stdout().trim().split('\n')
    return lines.map((line) => JSON.parse(line) as Claim)
  }

  test('one window has one id, however many shells and runners stand between', async () => {
    const claims = await windowRuns(
      'exai id',
      'exai id',
      `sh -c 'exai id'`,
      `sh -c 'exai id; true'`,
      `bash -c 'exai id; true'`,
      `dash -c 'exai id; true'`,
      `bash -c "sh -c 'exai id; true'; true"`,
      `node "${launcher}" id`,
      'npx --no-install exai id',
    )
    expect(claims).toHaveLength(9)
    expect(new Set(claims.map((claim) => claim['x-exai-client'])).size).toBe(1)
    expect(claims[0]?.['x-exai-client']).toMatch(/^[A-Za-z0-9_-]{22}$/)
  })

  test('two windows in one folder have two ids, one label and one root', async () => {
    const [one, two] = await Promise.all([windowRuns('exai id'), windowRuns(`sh -c 'exai id; true'`)])
    expect(one[0]?.['x-exai-client']).not.toBe(two[0]?.['x-exai-client'])
    for (const claim of [one[0], two[0]]) {
      expect(decodeURIComponent(claim?.['x-exai-label'] ?? '')).toMatch(/^exai-id-\w+@fix\/one$/)
      expect(decodeURIComponent(claim?.['x-exai-root'] ?? '')).toBe(project)
    }
  })

  test('the folder that the program names goes before the current one', async () => {
    const started = launch(node, [window, 'exai id'], {
      cwd: tmpdir(),
      env: { ...env(), CLAUDE_PROJECT_DIR: project },
    })
    expect(await started.ended).toBe(0)
    expect(decodeURIComponent((JSON.parse(started.stdout()) as Claim)['x-exai-root'])).toBe(project)
  })

  test('a folder that has been deleted, and arguments nobody knows, do not make it fail', async () => {
    const started = launch(
      'sh',
      ['-c', 'mkdir gone && cd gone && rmdir ../gone && exai id --new-option x; true'],
      {
        cwd: project,
        env: env(),
      },
    )
    expect(await started.ended).toBe(0)
    expect(started.stderr()).toBe('')
    expect(Object.keys(JSON.parse(started.stdout()) as Claim)).toEqual(['x-exai-client'])
  })
})
