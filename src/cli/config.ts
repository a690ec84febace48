// `exai config`: prints the configuration in force, keys masked.

import type { Config } from '../config/config.ts'
import { toMaskedYaml } from '../config/masked.ts'

/** Prints YAML on stdout; resolves with the exit code. */
export function printConfig(config: Config): number {
  process.stdout.write(toMaskedYaml(config))
  return 0
}
