// Node's own HTTP module, not by `import`: an import reads every export at once, and one of them, a getter, loads a WebSocket
// client that nobody here uses and that costs 13 MiB.

/** `node:http`. */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http')
