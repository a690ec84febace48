// One open WebSocket: text frames out by class, text frames in, pings that find dead peers. The credit window lies here: a peer
// with more unread than that is asked nothing new, so what waits for it is bounded by what it had asked before. Knows frames,
// nothing of what is in them.

import { randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Flow } from '../streams/flow.ts'
import { type Sink, Spool } from '../streams/spool.ts'
import { messageWorkBytes } from '../streams/write-batch.ts'
import type { PartialBody } from './partial-bodies.ts'
import { UnfinishedFrames } from './unfinished-frames.ts'
import type { WebSocketConnection } from './websocket-face.ts'

// A message may take as long as a body over HTTP: of what has come for so many beats and is no message yet, this is kept and no more.
const unfinishedBeatsMax = 3
const unfinishedBytesMax = 1_024
// With less of a message here, what `ws` does to it is short.
const longBytes = 16_384
// Of a frame of the other side: kind, length, mask.
const headBytes = 6
// How long whoever has no room may take to read why.
const lingerMs = 1_000
// In a ping whose pong is waited for; the others say nothing.
const probeWord = 'exai'

/** What a connection needs of its door. Milliseconds. */
export interface ConnectionOptions {
  readonly clock: Clock
  readonly flow: Flow
  readonly pingIntervalMs: number
  /** Counts what is kept of messages that have come in part; absent: nobody does. */
  readonly partialBody?: ((socket: Duplex) => PartialBody) | undefined
}

/** The connection on an accepted socket; `stream` is the one below it. It lives until the socket's `close`. */
export class Connection implements WebSocketConnection, Sink {
  readonly id: string = randomUUID()
  readonly isDivisible = false
  onMessage: (text: string) => void = () => undefined
  onClose: () => void = () => undefined
  readonly #socket: WebSocket
  readonly #stream: Duplex & { readonly bytesWritten?: number; readonly bytesRead?: number }
  readonly #options: ConnectionOptions
  #spool: Spool | null = null
  /** Frames of the read that was under way when the window closed: a read is 64 KiB at most. */
  #unheard: string[] = []
  #isHeld = false
  #isLost = false
  #isBroken = false
  #isAlive = true
  readonly #unfinished: UnfinishedFrames | null
  /** What came is read no more: there is no room for it. */
  #isFull = false
  /** Bytes read, up to the last whole message and without pings and pongs since. */
  #wholeBytes = 0
  #unfinishedBeats = 0
  #onProbed: (() => void) | null = null
  #closing: { readonly code: number; readonly reason: string } | null = null
  #timer: Timer
  /** Frames of this turn wait below for its end, and these want to know if their results are not taken. */
  #isCorked = false
  #corked: (() => void)[] = []

  constructor(socket: WebSocket, stream: Duplex, options: ConnectionOptions) {
    this.#socket = socket
    this.#stream = stream
    this.#options = options
    this.#timer = options.clock.after(options.pingIntervalMs, this.#beat)
    const { partialBody } = options
    this.#unfinished =
      partialBody === undefined ? null : new UnfinishedFrames(stream, () => partialBody(stream), this.#noRoom)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#isAlive = true
      this.#unfinished?.heard(data.length)
      this.#wholeBytes = this.#stream.bytesRead ?? 0
      if (isBinary) socket.close(1003, 'Send text frames, one JSON-RPC message each.')
      else if (this.#isHeld) this.#unheard.push(data.toString('utf8'))
      else {
        this.#working(messageWorkBytes + data.length)
        this.onMessage(data.toString('utf8'))
      }
    })
    // Before `ws` hears it: the last piece of a long message has all of it unmasked.
    stream.prependListener('data', () => {
      const bytes = (this.#stream.bytesRead ?? 0) - this.#wholeBytes
      if (bytes > longBytes) this.#working(bytes)
    })
    // `ws` gives these a code of its own; a socket that failed has the system's.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#isBroken ||= error.code?.startsWith('WS_ERR_') === true
    })
    socket.on('ping', (data: Buffer) => {
      this.#unfinished?.heardControl(data.length)
      this.#wholeBytes += headBytes + data.length
    })
    socket.on('pong', (data: Buffer) => {
      this.#isAlive = true
      this.#unfinished?.heardControl(data.length)
      this.#wholeBytes += headBytes + data.length
      if (data.toString('latin1') !== probeWord) return
      const onProbed = this.#onProbed
      this.#onProbed = null
      onProbed?.()
    })
    socket.on('close', (code: number) => {
      this.#timer.cancel()
      this.#unfinished?.close()
      this.#unheard = []
      // Who ends with a frame of close, and nothing of ours below, has read it; where none came `ws` says 1006 (RFC 6455, 7.1.5).
      const written = code === 1006 || this.bufferedBytes > 0 ? 'unread' : 'read'
      const untaken = [...(this.#spool?.untaken(written) ?? []), ...(written === 'read' ? [] : this.#corked)]
      this.#corked = []
      this.#spool?.close()
      for (const tell of untaken) tell()
      this.onClose()
    })
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get isBroken(): boolean {
    return this.#isBroken
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  get takenBytes(): number {
    return (this.#stream.bytesWritten ?? 0) - this.#stream.writableLength
  }

  send(text: string): void {
    if (!this.#isOpen()) return
    if (!this.#canWrite(text)) this.#spooled().put(0, text)
    else if (!this.write(text)) this.#spooled().blocked()
  }

  sendResult(call: object, text: string, onLost: () => void, onLeft?: () => void): boolean {
    if (!this.#isOpen()) {
      onLost()
      return true
    }
    this.#spool?.dropLatest(call)
    if (this.#spool?.hasRoom === false) return false
    if (!this.#canWrite(text)) {
      // What waits below is then always the newest.
      this.#uncork()
      this.#spooled().put(1, text, onLost, onLeft)
      return true
    }
    if (this.#spool !== null && this.bufferedBytes === 0) this.#spool.caughtUp()
    // Before it is written: the sixteenth of a turn takes all with it.
    this.#corked.push(onLost)
    if (!this.write(text, onLeft)) this.#spooled().blocked()
    return true
  }

  sendLatest(call: object, text: string): void {
    if (!this.#isOpen()) return
    if (!this.#canWrite(text)) this.#spooled().putLatest(call, text)
    else if (!this.write(text)) this.#spooled().blocked()
  }

  sendDroppable(text: string): boolean {
    if (!this.#isOpen() || this.#spool?.isClear === false) return false
    this.send(text)
    return true
  }

  probe(onAnswer: () => void): void {
    if (!this.#isOpen()) return
    this.#onProbed = onAnswer
    this.#socket.ping(probeWord)
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  finish(code: number, reason: string): void {
    if (this.#closing !== null) return
    this.#closing = { code, reason }
    if (this.#spool === null || this.#spool.isClear) this.end()
    else this.#spool.end()
  }

  write(text: string | Uint8Array, onLeft?: () => void): boolean {
    const isFirst = !this.#isCorked
    if (isFirst) {
      this.#isCorked = true
      this.#stream.cork()
    }
    this.#socket.send(text, onLeft)
    if (isFirst) this.#options.flow.batch.add(this.#uncork)
    if (!this.#stream.writableNeedDrain) return true
    // Much was said in this turn: whether the peer is behind shows once it has left.
    this.#uncork()
    return this.bufferedBytes === 0
  }

  readonly #uncork = (): void => {
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#stream.uncork()
    const corked = this.#corked
    if (corked.length === 0) return
    this.#corked = []
    const isUntaken = this.bufferedBytes > 0 || this.#stream.destroyed
    if (isUntaken) for (const onLost of corked) this.#spooled().behind(onLost)
  }

  end(): void {
    if (this.#closing === null) return
    // `ws` cuts whoever does not answer a close within half a minute: of a long frame much may lie before it.
    if (this.#stream.writableNeedDrain) return void this.#stream.once('drain', () => this.end())
    this.#socket.close(this.#closing.code, this.#closing.reason)
    this.#stream.end()
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    if (isHeld) {
      this.#socket.pause()
      return
    }
    this.#isAlive = true
    while (!this.#isHeld) {
      const text = this.#unheard.shift()
      if (text === undefined) break
      this.#working(messageWorkBytes + text.length)
      this.onMessage(text)
    }
    if (!this.#isHeld && !this.#isFull) this.#socket.resume()
  }

  lost(): readonly (() => void)[] {
    this.#isLost = true
    this.#socket.terminate()
    return this.#corked.splice(0)
  }

  #working(bytes: number): void {
    this.#options.flow.batch.working(bytes)
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  #canWrite(text: string): boolean {
    return (
      (this.#spool === null || this.#spool.isClear) && text.length <= this.#options.flow.loop.quantumBytes
    )
  }

  #spooled(): Spool {
    if (this.#spool === null) {
      const spool = new Spool(this, this.#options.flow)
      this.#stream.on('drain', () => spool.drained())
      this.#spool = spool
    }
    return this.#spool
  }

  // Whoever sends a message bit by bit answers pings in between, and would keep what has come here for ever.
  #isUnfinished(): boolean {
    const bytes = (this.#stream.bytesRead ?? 0) - this.#wholeBytes
    this.#unfinishedBeats = this.#isHeld || bytes <= unfinishedBytesMax ? 0 : this.#unfinishedBeats + 1
    return this.#unfinishedBeats >= unfinishedBeatsMax
  }

  // What is here goes with the connection, and nothing more is read until the peer has had time to hear why.
  readonly #noRoom = (why: string): void => {
    this.#isFull = true
    this.#socket.close(1013, why)
    this.#socket.pause()
    this.#timer.cancel()
    this.#timer = this.#options.clock.after(lingerMs, () => this.#socket.terminate())
  }

  // Whoever is held hears no pong of its own peer: whether it still reads is for the watch on slow readers to say.
  readonly #beat = (): void => {
    if (!this.#isAlive && !this.#isHeld) {
      this.#socket.terminate()
      return
    }
    this.#isAlive = false
    if (this.#isUnfinished()) this.#socket.close(1008, 'A message must come within a minute.')
    if (this.bufferedBytes > 0) this.#spooled().behind()
    this.#socket.ping()
    this.#timer = this.#options.clock.after(this.#options.pingIntervalMs, this.#beat)
  }
}
