// `exai simulate`: the simulator as a process of its own, with the same arguments; its signals, output and exit code are ours.

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { siblingModule } from '../lib/sibling-module.ts'

/** The simulator's entry, found by path: the server's code never imports it. */
export function simulatorPath(): string {
  return fileURLToPath(siblingModule(import.meta.url, '../../simulator/main'))
}

/** Runs to the simulator's end; resolves with its exit code, or 128 and the number where a signal ended it. */
export function simulate(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [simulatorPath(), ...args], { stdio: 'inherit' })
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  const passOn = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  for (const signal of signals) process.on(signal, passOn)
  return new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGINT' ? 130 : 143)))
  }).finally(() => {
    for (const signal of signals) process.off(signal, passOn)
  })
}
