// A configuration that cannot be used.

/** The message is ready to be shown: one line a fault, each with its place and what was expected; never a secret. */
export class ConfigError extends Error {
  override readonly name: string = 'ConfigError'
  /** True when a flag of the command line is at fault: wrong usage, not a wrong configuration. */
  readonly isUsage: boolean

  constructor(message: string, isUsage = false) {
    super(message)
    this.isUsage = isUsage
  }
}
