// Plants a fault into one file, a source or a built one, while Node loads it: for `node --import`. The file on disk stays as it is. Fails
// loudly when the file no longer holds the place, so that a sabotage never goes blind unseen.

import { registerHooks } from 'node:module'

/** Replaces `place`, which must stand exactly once in the file that ends in `file` (a source, or what was built of it), by `fault`. */
export function plantFault(file: string, place: string, fault: string): void {
  const built = file.replace(/\.ts$/, '.js')
  let isPlanted = false
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(file) && !url.endsWith(built)) return loaded
      const text = String(loaded.source)
      const pieces = text.split(place)
      if (pieces.length !== 2)
        throw new Error(
          `sabotage: ${file} holds ${JSON.stringify(place)} ${pieces.length - 1} times, not once`,
        )
      isPlanted = true
      return { ...loaded, source: pieces.join(fault) }
    },
  })
  process.once('exit', () => {
    if (!isPlanted) process.stderr.write(`sabotage: ${file} was never loaded\n`)
  })
}
