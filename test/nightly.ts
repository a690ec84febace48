// `npm run nightly`: what is too long for every change. Each stage runs to its end; the last line sums up. A bench that
// found the machine too loud says so (exit 3) and fails nothing: nothing gates on time.

import { spawnSync } from 'node:child_process'

interface Stage {
  readonly name: string
  readonly command: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

const stages: readonly Stage[] = [
  { name: 'build', command: ['npm', 'run', 'build'] },
  {
    name: 'a million bad inputs',
    command: ['npx', 'vitest', 'run', '--project', 'scenario*', 'fuzz'],
    env: { EXAI_FUZZ_INPUTS: '1000000' },
  },
  {
    name: 'every resumption',
    command: ['npx', 'vitest', 'run', '--project', 'resumption'],
    env: { EXAI_RESUMPTIONS: 'all' },
  },
  { name: "other people's clients", command: ['node', 'test/clients/run.ts'] },
  { name: "other people's clients, sabotaged", command: ['node', 'test/clients/run.ts', '--sabotage'] },
  {
    name: 'the official suite through the bridge',
    command: ['node', 'test/conformance/run.ts', '--door', 'bridge'],
  },
  { name: 'the official suite, sabotaged', command: ['node', 'test/conformance/run.ts', '--sabotage'] },
  { name: 'a hundred thousand clients that vanish', command: ['node', 'test/vanish/run.ts'] },
  {
    name: 'vanished clients that leave something',
    command: ['node', 'test/vanish/run.ts', '--sabotage'],
  },
  { name: 'half an hour of mixed faults', command: ['node', 'test/soak/run.ts'] },
  { name: 'a soak that leaks', command: ['node', 'test/soak/run.ts', '--sabotage'] },
  { name: 'fairness, simulated', command: ['node', 'test/simulation/fairness.ts'] },
  { name: 'mutation testing', command: ['node', 'test/mutation/run.ts'] },
  { name: 'slow readers bench', command: ['node', 'test/slow-readers/run.ts'] },
  { name: 'noisy neighbours bench', command: ['node', 'test/noisy/run.ts'] },
  {
    name: 'ten windows before one slot',
    command: ['node', 'test/claude/run.ts', '--glm-slots', '1', '--service-ms', '12000'],
  },
  { name: 'ten windows and six restarts', command: ['node', 'test/claude/run.ts', '--restart'] },
  {
    name: 'a replacement cut short',
    command: ['node', 'test/claude/run.ts', '--restart', '--sabotage', 'cut'],
  },
  { name: 'admission bench', command: ['node', 'bench/admission.ts'] },
  { name: 'wire bench', command: ['node', 'bench/wire.ts'] },
]
const unmeasured = 3

let failed = 0
for (const { name, command, env } of stages) {
  const [program = '', ...args] = command
  const startedAt = performance.now()
  process.stdout.write(`\n== ${name}\n`)
  const { status } = spawnSync(program, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const isFine = status === 0 || (status === unmeasured && name.endsWith('bench'))
  if (!isFine) failed++
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0)
  process.stdout.write(
    `== ${name}: ${isFine ? (status === 0 ? 'passed' : 'not measured') : 'failed'} after ${seconds} s\n`,
  )
}
process.stdout.write(`${stages.length - failed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 ? 0 : 1
