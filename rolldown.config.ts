// Bundles what other people's programs spawn, `exai id` and `exai bridge`, into one file each: on Node 20 every file and
// every built-in that is loaded costs a window a millisecond or more. CommonJS, because it starts sooner than a module.
// Refuses to build what would reach beyond Node's built-ins and `ws`. And zod, of which the server needs one language of fifty.

import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { defineConfig, type Plugin } from 'rolldown'

const { resolve } = createRequire(import.meta.url)
const wsFolder = dirname(resolve('ws/package.json'))
const zodFolder = dirname(resolve('zod/package.json'))

// `ws` takes these at its start, though a bridge to `ws://` without compression never calls them.
const lateBuiltins = new Set(['https', 'tls', 'zlib'])

/** Of `ws`, its client alone; and the dear built-ins it seldom calls only when it calls them. */
const leanWs: Plugin = {
  name: 'lean-ws',
  resolveId(source, importer) {
    if (source === 'ws') return join(wsFolder, 'lib', 'websocket.js')
    if (lateBuiltins.has(source) && importer?.startsWith(wsFolder)) return `\0late:${source}`
    return null
  },
  load(id) {
    if (!id.startsWith('\0late:')) return null
    const name = id.slice('\0late:'.length)
    return {
      code: `module.exports = new Proxy({}, { get: (_, key) => require('node:${name}')[key] })`,
      moduleType: 'js',
    }
  },
}

/** Only macOS asks `ps`, and every millisecond of `exai id` is waited for: loaded when it is called. */
const lateChildProcess: Plugin = {
  name: 'late-child-process',
  resolveId: (source) => (source === 'node:child_process' ? '\0late-child-process' : null),
  load: (id) =>
    id === '\0late-child-process'
      ? // Without its prefix it is not taken for this module itself.
        "export const execFileSync = (...args) => require('child_process').execFileSync(...args)"
      : null,
}

/** Anything but a built-in would be looked for beside the bundle, on a machine where it may not be. */
const builtinsOnly: Plugin = {
  name: 'builtins-only',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue
      for (const [, wanted = ''] of chunk.code.matchAll(/\brequire\(['"]([^'"]+)['"]\)/g)) {
        if (!isBuiltin(wanted)) this.error(`${chunk.fileName} would require ${wanted}, no built-in of Node.`)
      }
    }
  },
}

/** zod in English alone, in one file, which an idle server need not hold in every language. What was compiled before is pointed at it. */
const englishZod: Plugin = {
  name: 'english-zod',
  load: (id) => (id === join(zodFolder, 'v4', 'locales', 'index.js') ? 'export {}' : null),
  writeBundle() {
    for (const file of globSync('dist/{src,simulator}/**/*.js')) {
      const path = relative(dirname(file), join('dist', 'zod.js'))
      const text = readFileSync(file, 'utf8')
      if (text.includes("from 'zod'")) writeFileSync(file, text.replace("from 'zod'", `from '${path}'`))
    }
  },
}

const wsLicense = readFileSync(join(wsFolder, 'LICENSE'), 'utf8').trim()
const zodLicense = readFileSync(join(zodFolder, 'LICENSE'), 'utf8').trim()

const zod = defineConfig({
  input: { zod: 'zod' },
  platform: 'node',
  plugins: [englishZod],
  output: {
    dir: 'dist',
    format: 'esm',
    entryFileNames: '[name].js',
    codeSplitting: false,
    banner: `/* Contains zod (https://zod.dev):\n${zodLicense}\n*/`,
  },
})

const spawned = ['id', 'bridge'].map((name) =>
  defineConfig({
    input: { [name]: name === 'id' ? 'src/cli/id.ts' : 'src/bridge/run.ts' },
    platform: 'node',
    external: /^node:(?!child_process$)/,
    plugins: [leanWs, lateChildProcess, builtinsOnly],
    // Two native packages that ws would use if somebody had installed them: looking for them costs more than they give.
    transform: {
      define: { 'process.env.WS_NO_BUFFER_UTIL': '"1"', 'process.env.WS_NO_UTF_8_VALIDATE': '"1"' },
    },
    output: {
      dir: 'dist',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      codeSplitting: false,
      ...(name === 'bridge'
        ? { banner: `/* Contains ws (https://github.com/websockets/ws):\n${wsLicense}\n*/` }
        : {}),
    },
  }),
)

export default [...spawned, zod]
