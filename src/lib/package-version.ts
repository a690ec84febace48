// The version in package.json, for everybody who tells it.

import { readFileSync } from 'node:fs'

// dist/package.json is a copy, so the same relative path works from sources and from dist.
const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** Version of this package, such as `1.2.3`. */
export const packageVersion: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
