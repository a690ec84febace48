// The 2025 era over HTTP: POST with a session, the GET stream beside it, DELETE. Status codes are the specification's,
// and one of them is exact: an unknown session is 404, because clients re-initialise on that and on nothing else.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CallerFacts } from '../../../principals/identify.ts'
import { refuse } from '../../../transport/refuse.ts'
import { openEventStream } from '../../../transport/sse.ts'
import { type BatchEnvelope, type Envelope, type RequestEnvelope, rpcCode } from '../envelope.ts'
import { answerFailed } from '../failed-request.ts'
import type { Features } from '../features/features.ts'
import type { Tools } from '../features/tools.ts'
import { acceptsEventStream, HttpExchange, respondJson } from '../http-exchange.ts'
import type { McpSurfaceOptions } from '../mcp-options.ts'
import { errorMessage, resultMessage } from '../messages.ts'
import { legacyVersions } from '../protocol-versions.ts'
import { postBatch } from './batch-post.ts'
import { dispatchLegacy, notifyLegacy } from './dispatch.ts'
import type { EventStore, ResumePoint } from './event-store.ts'
import { initializeResult, negotiate } from './negotiation.ts'
import { lostAnswer, ResumableCall } from './resumable-call.ts'
import type { FoundSession, SessionKeeper } from './session-keeper.ts'
import { SessionStream } from './session-stream.ts'
import { eventsKey, type Session, type Sessions } from './sessions.ts'
import type { StreamLog } from './stream-log.ts'

// Some clients look for this code beside the 404 before they open a new session.
const sessionUnknownCode = -32001

/** Collaborators of the legacy HTTP side. */
export interface LegacyHttpOptions {
  readonly surface: McpSurfaceOptions
  readonly sessions: Sessions
  readonly keeper: SessionKeeper
  readonly events: EventStore
  readonly tools: Tools
  readonly features: Features
}

/** Serves the 2025 era over HTTP. */
export class LegacyHttp {
  readonly #options: LegacyHttpOptions
  #isDraining = false

  constructor(options: LegacyHttpOptions) {
    this.#options = options
  }

  /** One POSTed message that is well formed. `facts.identify` may throw `CallFailure`; the caller answers that. */
  post(
    request: IncomingMessage,
    response: ServerResponse,
    envelope: Exclude<Envelope, { kind: 'malformed' }>,
    facts: CallerFacts,
  ): void {
    if (envelope.kind === 'request' && envelope.method === 'initialize') {
      this.#initialize(request, response, envelope, facts)
      return
    }
    this.#withSession(request, response, facts, (session) =>
      this.#postIn(session, request, response, envelope),
    )
  }

  #postIn(
    session: Session,
    request: IncomingMessage,
    response: ServerResponse,
    envelope: Exclude<Envelope, { kind: 'malformed' }>,
  ): void {
    if (envelope.kind === 'request') {
      const { surface, events } = this.#options
      const first = new HttpExchange(request, response, {
        id: envelope.id,
        identity: session.peer.identity,
        inFlight: session.peer.inFlight,
        surface,
      })
      const openLog = (): StreamLog => events.open(eventsKey(session), envelope.id)
      const exchange = isResumable(session) ? new ResumableCall(first, { surface, openLog }) : first
      dispatchLegacy(exchange, envelope, session.peer, this.#options)
      return
    }
    if (envelope.kind === 'notification') notifyLegacy(envelope, session.peer.inFlight, session.peer)
    else session.peer.settle(envelope)
    response.writeHead(202, { 'content-length': 0 })
    response.end()
  }

  /** One POSTed list of messages. `facts.identify` as above. */
  postBatch(
    request: IncomingMessage,
    response: ServerResponse,
    batch: BatchEnvelope,
    facts: CallerFacts,
  ): void {
    this.#withSession(request, response, facts, ({ peer }) =>
      postBatch(request, response, batch, peer, this.#options),
    )
  }

  /**
   * From now on nothing long-lived is opened; the open streams end. An answer would come by another POST, and that one finds another
   * process, or none. `strays`: until this is aborted that process hands it on.
   */
  drain(strays?: AbortSignal): void {
    this.#isDraining = true
    for (const { stream } of this.#options.sessions) stream?.end()
    const closeQuestions = (): void => {
      for (const { peer } of this.#options.sessions) peer.questions.close()
    }
    if (strays === undefined || strays.aborted) closeQuestions()
    else strays.addEventListener('abort', closeQuestions, { once: true })
  }

  /** Opens the session's one stream; a newer one takes the older one's place. */
  get(request: IncomingMessage, response: ServerResponse, facts: CallerFacts): void {
    if (!acceptsEventStream(request)) {
      refuse(response, 406, 'GET opens an event stream: send "Accept: text/event-stream".')
      return
    }
    if (this.#isDraining) {
      refuseDraining(response)
      return
    }
    this.#withSession(request, response, facts, (session) => {
      // It may have begun while the session was looked up.
      if (this.#isDraining) {
        refuseDraining(response)
        return
      }
      const lastEventId = request.headers['last-event-id']
      const point =
        typeof lastEventId === 'string' ? this.#options.events.find(eventsKey(session), lastEventId) : null
      if (point === null) this.#stream(session, response)
      else this.#takeUp(session, response, point)
    })
  }

  #stream(session: Session, response: ServerResponse): void {
    const { surface, events } = this.#options
    const { clock, flow } = surface
    session.stream?.drop()
    const stream = new SessionStream(response, {
      clock,
      flow,
      log: isResumable(session) ? events.open(eventsKey(session), null) : null,
      onClosed: (closed) => {
        session.lastUsedAt = clock.now()
        if (session.stream === closed) session.peer.outlet = null
      },
    })
    this.#listens(session, stream)
  }

  // Where nothing of a session's own stream is left it begins anew; a request that is not here any more is answered so.
  #takeUp(session: Session, response: ServerResponse, { log, requestId, after }: ResumePoint): void {
    if (log?.takeUp) {
      log.takeUp(response, after)
      if (requestId === null && session.stream !== null) this.#listens(session, session.stream)
    } else if (requestId === null) this.#stream(session, response)
    else openEventStream(response, this.#options.surface).end(lostAnswer(requestId))
  }

  #listens(session: Session, stream: SessionStream): void {
    session.stream = stream
    session.peer.outlet = (json) => stream.send(json)
    session.peer.askRootsAhead()
  }

  /** Ends the session; its id is unknown afterwards, to every process over the same data folder that has it not in memory. */
  delete(request: IncomingMessage, response: ServerResponse, facts: CallerFacts): void {
    this.#withSession(request, response, facts, async (session) => {
      await this.#options.keeper.end(session)
      response.writeHead(204)
      response.end()
    })
  }

  #initialize(
    request: IncomingMessage,
    response: ServerResponse,
    envelope: RequestEnvelope,
    facts: CallerFacts,
  ): void {
    const { surface, sessions, keeper } = this.#options
    if (this.#isDraining) {
      refuseDraining(response)
      return
    }
    if (!this.#isVersionKnown(request, response)) return
    const negotiated = negotiate(envelope.params)
    if (typeof negotiated === 'string') {
      respondJson(response, 400, errorMessage(envelope.id, rpcCode.invalidParams, negotiated))
      return
    }
    const session = keeper.open(negotiated, facts)
    if (session === 'full') {
      refuseFull(response, sessions.size)
      return
    }
    respondJson(
      response,
      200,
      resultMessage(
        envelope.id,
        initializeResult(negotiated.version, surface.serverInfo, surface.instructions),
      ),
      { 'mcp-session-id': session.token },
    )
  }

  // A session in memory is used at once: a call's way must not become longer for those that must be rebuilt.
  #withSession(
    request: IncomingMessage,
    response: ServerResponse,
    facts: CallerFacts,
    use: (session: Session) => void | Promise<void>,
  ): void {
    if (!this.#isVersionKnown(request, response)) return
    const token = request.headers['mcp-session-id']
    if (typeof token !== 'string') {
      respondJson(
        response,
        400,
        errorMessage(
          null,
          rpcCode.invalidRequest,
          'Bad Request: the Mcp-Session-Id header is missing. Send "initialize" first and repeat the id it answers.',
        ),
      )
      return
    }
    const take = (found: FoundSession): void | Promise<void> => {
      // Its client left while the session was rebuilt: nothing has begun, and nobody would hear of it. What it has ended stays so.
      if (response.closed && request.method !== 'DELETE') return
      if (found === 'full') return refuseFull(response, this.#options.sessions.size)
      if (found !== 'unknown') return use(found)
      const why = 'Session not found. Send "initialize" to open a new one.'
      respondJson(response, 404, errorMessage(null, sessionUnknownCode, why))
    }
    const found = this.#options.keeper.find(token, facts)
    const taken = found instanceof Promise ? found.then(take) : take(found)
    taken?.catch((error: unknown) => answerFailed(response, null, error, this.#options.surface.emit))
  }

  #isVersionKnown(request: IncomingMessage, response: ServerResponse): boolean {
    const header = request.headers['mcp-protocol-version']
    if (header === undefined || legacyVersions.includes(String(header))) return true
    respondJson(
      response,
      400,
      errorMessage(
        null,
        rpcCode.invalidRequest,
        `Bad Request: unsupported MCP-Protocol-Version ${JSON.stringify(String(header).slice(0, 40))}. Known are ${legacyVersions.join(', ')} with a session, and 2026-07-28 without.`,
      ),
    )
    return false
  }
}

// Older clients take an event without data for a broken message.
function isResumable({ peer }: Session): boolean {
  return peer.version >= '2025-11-25'
}

function refuseFull(response: ServerResponse, taken: number): void {
  const what = `All ${taken} sessions are taken. Close a window that is not used, or try again in a minute.`
  refuse(response, 503, what)
}

// 503 and no other status: clients try a handshake again on it, and give up for good on 429.
function refuseDraining(response: ServerResponse): void {
  refuse(response, 503, 'The server is restarting. Try again in a moment.')
}
