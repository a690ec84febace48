// How large the engine may let its nursery grow. While hundreds of modules load, much survives for a moment, so V8 doubles its two
// semi-spaces up to 16 MiB each and keeps them: a fifth of an idle server's memory that it will not use for a long time. Held during the
// start and let go once it listens, the nursery of a busy server grows as ever, and an idle one never pays for it.

import { setFlagsFromString } from 'node:v8'

/** From here on the nursery keeps its size. The flag is read at each collection; `node --v8-options` tells of it. */
export function holdYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** From here on the nursery grows with what survives, by V8's own default. */
export function releaseYoungHeap(): void {
  setFlagsFromString('--semi-space-growth-factor=2')
}
