// Spoiled bytes at the doors themselves: HTTP heads and bodies, WebSocket frames, uploads; one in fifty of the hundred thousand inputs
// (EXAI_FUZZ_INPUTS, EXAI_FUZZ_SEED), each on a socket of its own. The server lives, says only what HTTP and MCP know, writes nothing
// where nothing belongs; the windows beside get every answer right, and not a byte of theirs leaks.

import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool, type Tool } from '../../src/tools/tool.ts'
import { createDice, type Dice, mutate, oddText } from '../support/byte-fuzz.ts'
import { echoTool } from '../support/mcp-composition.ts'
import { type ServerFixture, startServer } from '../support/server-fixture.ts'
import { createFuzz } from '../support/wire-fuzz.ts'

const inputs = Math.ceil(Number(process.env.EXAI_FUZZ_INPUTS ?? 100_000) / 50)
const seed = Number(process.env.EXAI_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const lanes = 12
const calls = 'requestsPerMinute: 1000000, burst: 1000000, concurrency: 10000'
const yaml = `
limits: { client: { ${calls} }, principal: { ${calls} } }
`
/** Stands in everything the bystanders send, and nobody else may see it. */
const mark = 'bystanders-own-words'
const knownStatuses = [
  101, 200, 201, 202, 204, 400, 403, 404, 405, 406, 408, 411, 413, 415, 417, 426, 429, 431, 501, 503,
]

/**
 * What comes back on a socket of its own until `isOver`, or until others who came later have been answered so often: there may be no
 * answer due.
 */
async function send(
  server: ServerFixture,
  parts: readonly Uint8Array[],
  isOver: (got: string) => boolean,
  othersFirst: number,
): Promise<string> {
  let got = ''
  const socket: Socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.on('data', (data) => {
    got += data.toString('latin1')
    if (isOver(got)) socket.destroy()
  })
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  await Promise.race([closed, new Promise((resolve) => socket.once('connect', resolve))])
  for (const part of parts) socket.write(part)
  for (let n = 0; n < othersFirst && !socket.destroyed; n++) await server.plain('GET', '/healthz')
  if (othersFirst > 0) socket.destroy()
  await closed
  return got
}

const isAnswered = (got: string): boolean => {
  const end = got.indexOf('\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(got)?.[1]
  return end !== -1 && length !== undefined && got.length >= end + 4 + Number(length)
}

const httpInput = (dice: Dice, next: ReturnType<typeof createFuzz>): readonly Uint8Array[] => {
  const { headers, body } = next()
  let head = `POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\n`
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`
  const length = dice.chance(0.9) ? `content-length: ${body.length}` : 'transfer-encoding: chunked'
  const whole = Buffer.from(`${head}${length}\r\n\r\n`, 'latin1')
  return [dice.chance(0.7) ? mutate(whole, dice) : whole, body]
}

const uploadInput = (dice: Dice): readonly Uint8Array[] => {
  const path = dice.pick(['../../etc/x', '..%2f..%2fx', '%00', 'a.txt', 'b%E0%A4%A', oddText(dice)])
  const name = encodeURI(path.toWellFormed()).replace(/[^\x21-\x7e]/g, '')
  const part = `--x\r\ncontent-disposition: form-data; name="f"; filename="${name}"\r\n\r\nhello\r\n--x--\r\n`
  const isForm = dice.chance(0.3)
  const body = isForm ? part : 'hello'
  const type = isForm
    ? 'multipart/form-data; boundary=x'
    : dice.pick(['application/octet-stream', 'text/plain', '*'])
  const head = `POST /files?name=${name} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\nx-file-name: ${name}\r\ncontent-length: ${body.length}\r\n\r\n`
  const whole = Buffer.from(`${head}${body}`, 'latin1')
  return [dice.chance(0.5) ? mutate(whole, dice) : whole]
}

/** A client's frame: masked, its length in the shortest form. */
function frame(opcode: number, payload: Uint8Array): Buffer {
  const mask = randomBytes(4)
  const size = payload.length
  const head =
    size < 126
      ? Buffer.from([0x80 | opcode, 0x80 | size])
      : Buffer.from([0x80 | opcode, 0xfe, size >> 8, size & 255])
  return Buffer.concat([head, mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))])
}

const upgrade = Buffer.from(
  'GET /ws HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: mcp\r\n\r\n',
)
const frameInput = (dice: Dice, next: ReturnType<typeof createFuzz>): readonly Uint8Array[] => {
  const frames = Array.from({ length: dice.below(3) + 1 }, () => {
    const one = frame(dice.chance(0.8) ? 1 : dice.below(16), next().body.subarray(0, 60_000))
    if (dice.chance(0.3)) one[0] = dice.below(256)
    return dice.chance(0.5) ? mutate(one.subarray(0, 14), dice) : one
  })
  return [dice.chance(0.9) ? upgrade : mutate(upgrade, dice), ...frames]
}

async function storm(server: ServerFixture, total: number): Promise<Map<string, number>> {
  const seen = new Map<string, number>()
  let left = total
  const lane = async (number: number): Promise<void> => {
    const dice = createDice(seed + number)
    const overHttp = createFuzz(seed + number, 'A'.repeat(60))
    const overSocket = createFuzz(seed + 1_000 + number, null)
    while (left-- > 0) {
      const kind = dice.pick(['http', 'http', 'frames', 'upload'] as const)
      const isFrames = kind === 'frames'
      const input =
        kind === 'http'
          ? httpInput(dice, overHttp)
          : isFrames
            ? frameInput(dice, overSocket)
            : uploadInput(dice)
      const isOver = isFrames ? (): boolean => false : isAnswered
      const got = await send(server, input, isOver, 3)
      expect(got).not.toContain(mark)
      const status = /^HTTP\/1\.1 (\d{3})/.exec(got)?.[1] ?? 'nothing'
      if (status !== 'nothing') expect(knownStatuses, got.slice(0, 200)).toContain(Number(status))
      seen.set(`${kind} ${status}`, (seen.get(`${kind} ${status}`) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)))
  return seen
}

/** The storm beside two windows, with this tool as their echo. */
async function weather(tool: Tool, total: number): Promise<Map<string, number>> {
  let seen = new Map<string, number>()
  const server = await startServer({ yaml, hasKeys: false, extraTools: [tool] })
  try {
    let isOver = false
    const raging = storm(server, total).finally(() => {
      isOver = true
    })
    const bystander = async (door: 'modern' | 'websocket'): Promise<void> => {
      const window = await server.window(door, `bystander-${door}`)
      for (let n = 0; !isOver || n < 5; n++) {
        const text = `${mark} ${door} ${n}`
        expect(await window.ask('echo', { text })).toMatchObject({ status: 200, isError: false, text })
      }
    }
    const all = await Promise.allSettled([raging, bystander('modern'), bystander('websocket')])
    for (const each of all) if (each.status === 'rejected') throw each.reason
    seen = await raging
    const told = server.log().split('\n')
    // A busy machine's disk may take longer than a call that was broken off has time to end: that is no fault of a parser.
    expect(told.filter((line) => /"level":[56]0/.test(line) && !line.includes('"abandoned":true'))).toEqual(
      [],
    )
    // Nothing lies where it does not belong, and no name leads out of its folder.
    expect(readdirSync(server.home).toSorted()).toEqual(['data', 'etc'])
    expect(readdirSync(join(server.home, 'etc'))).toEqual(['exai.yaml'])
    const { files } = JSON.parse((await server.plain('GET', '/files')).text) as { files: { name: string }[] }
    for (const { name } of files) expect(name).not.toMatch(/[/\\]/)
  } finally {
    await server.stop({ 'calls.abandoned': total })
  }
  return seen
}

test(`${inputs} sockets full of spoiled bytes harm nobody`, { timeout: 300_000 + inputs * 200 }, async () => {
  const seen = await weather(echoTool, inputs)
  process.stdout.write(`edge fuzz: EXAI_FUZZ_SEED=${seed}\n`)
  for (const [kind, count] of [...seen].toSorted()) process.stdout.write(`  ${kind}: ${count}\n`)
  for (const kind of ['http 200', 'http 400', 'frames 101', 'upload 201', 'upload 415']) {
    expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(0)
  }
})

test('an echo that answers with what others said is found out', async () => {
  let last = ''
  const swapping = defineTool({
    name: 'echo',
    title: 'Echo',
    description: 'Answers what was said before.',
    input: z.strictObject({ text: z.string(), count: z.number().optional() }),
    annotations: { readOnlyHint: true },
    pace: 'instant',
    run: async ({ text }) => {
      const before = last || text
      last = text
      return { content: [{ type: 'text', text: before }] }
    },
  })
  await expect(weather(swapping, 200)).rejects.toThrow()
})
