import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

// A process of its own, because it must end while lines wait.
function logged(howItEnds: string): string[] {
  const script = `
    import { createLog } from '${new URL('log.ts', import.meta.url)}'
    import { systemClock } from '${new URL('../lib/clock.ts', import.meta.url)}'
    const log = createLog('info', systemClock)
    for (let i = 0; i < 300; i++) log.logger.info({ i }, 'a line of some length, ends with é')
    ${howItEnds}`
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  return stderr.trim().split('\n')
}

test.each(['log.destroy()', 'process.exit(3)'])('no line is lost, nor out of order, by %s', (howItEnds) => {
  const lines = logged(howItEnds).map((line) => JSON.parse(line) as { i: number; msg: string })
  expect(lines.map(({ i }) => i)).toEqual(Array.from({ length: 300 }, (_, i) => i))
  expect(lines.at(-1)?.msg).toMatch(/é$/)
})
