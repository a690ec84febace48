import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

// A process of its own: this one has loaded far more.
function builtinsAfter(imported: string): string[] {
  const script = `await import(${JSON.stringify(imported)}); console.log(JSON.stringify(process.moduleLoadList))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as string[]
}

const builtInUndici = /internal\/deps\/undici/

test('the whole server starts without the WebSocket client inside Node', () => {
  const loaded = builtinsAfter(new URL('../server.ts', import.meta.url).href)
  expect(loaded.some((name) => name.endsWith(' http'))).toBe(true)
  expect(loaded.filter((name) => builtInUndici.test(name))).toEqual([])
})

test('a plain import of node:http would load it', () => {
  expect(builtinsAfter('node:http').filter((name) => builtInUndici.test(name))).not.toEqual([])
})
