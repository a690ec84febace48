// Workers are started by file. Sources run as .ts (tests, development) and as .js (dist); this finds the right one.

/** URL of the module `name` (no extension) beside the module whose `import.meta.url` is given. */
export function siblingModule(importMetaUrl: string, name: string): URL {
  return new URL(`./${name}${importMetaUrl.endsWith('.ts') ? '.ts' : '.js'}`, importMetaUrl)
}
