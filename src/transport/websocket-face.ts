// What the rooms above see of an open WebSocket: messages in, messages out by class, and its end.

/** One open WebSocket. The holder sets `onMessage` and `onClose` when it is handed over. */
export interface WebSocketConnection {
  /** Unique in the life of the process. */
  readonly id: string
  /** True once the peer was given up because it took nothing. */
  readonly isLost: boolean
  /** True once the peer has sent what is no message: too large, no UTF-8, no WebSocket frame. */
  readonly isBroken: boolean
  /** Sends one text frame, before everything that waits. */
  send(text: string): void
  /**
   * Sends a call's result; `onLost` is called if the peer goes or is given up, or was, before it took it. False: so much waits for the
   * peer that there is no room for it, and nothing was done. `onLeft` is called once it is with the kernel, or the connection is closed over
   it; of what is lost before it was written, not.
   */
  sendResult(call: object, text: string, onLost: () => void, onLeft?: () => void): boolean
  /** Progress of a call: while the peer is behind, the newest takes the place of what waits for the same call. */
  sendLatest(call: object, text: string): void
  /** Sends unless the peer is behind; false when the message was dropped. */
  sendDroppable(text: string): boolean
  /** Pings, and calls back with the pong: what the peer had written before is heard by then. Never, where the peer is gone. */
  probe(onAnswer: () => void): void
  close(code: number, reason: string): void
  /**
   * Closes once everything that waits is sent, and ends the stream below with it: a client that has heard the first and waits for
   * the second can neither write nor dial again.
   */
  finish(code: number, reason: string): void
  onMessage: (text: string) => void
  onClose: () => void
}
