// Who is here and what they have open, gathered when somebody asks: the hot path keeps no counters for it.

import { clientKey, type Identity } from '../../domain/identity.ts'
import type { LateAnswers } from './features/late-answers.ts'
import type { Tools } from './features/tools.ts'
import type { EventStore } from './legacy/event-store.ts'
import type { Sessions } from './legacy/sessions.ts'
import type { LiveCalls } from './live-calls.ts'
import type { LiveClient, McpInspection } from './mcp-options.ts'
import type { Subscriptions } from './modern/subscriptions.ts'
import type { WebSocketClient } from './websocket-client.ts'

/** The live parts of the surface. */
export interface SurfaceParts {
  readonly sessions: Sessions
  readonly subscriptions: Subscriptions
  readonly clients: ReadonlySet<WebSocketClient>
  readonly live: LiveCalls
  readonly late: LateAnswers
  readonly events: EventStore
  readonly tools: Pick<Tools, 'resends' | 'cut'>
}

interface Presence {
  readonly identity: Identity
  readonly eras: Set<'legacy' | 'modern'>
  readonly doors: Set<'http' | 'websocket'>
  calls: number
}

/** Counts what is live and folds it into one row a client. */
export function inspectSurface(parts: SurfaceParts): McpInspection {
  const { sessions, subscriptions, clients, live, tools } = parts
  const late = parts.late.inspect()
  const present = new Map<string, Presence>()
  const see = (identity: Identity, era: 'legacy' | 'modern', door: 'http' | 'websocket'): Presence => {
    const key = clientKey(identity)
    let presence = present.get(key)
    if (presence === undefined) {
      presence = { identity, eras: new Set(), doors: new Set(), calls: 0 }
      present.set(key, presence)
    }
    presence.eras.add(era)
    presence.doors.add(door)
    return presence
  }

  let streams = 0
  for (const session of sessions) {
    see(session.peer.identity, 'legacy', 'http')
    if (session.stream?.isOpen === true) streams += 1
  }
  for (const client of clients) see(client.identity, 'legacy', 'websocket')
  for (const exchange of subscriptions.exchanges()) see(exchange.identity, 'modern', exchange.door)
  // A late call's client is not here.
  for (const call of live) if (!call.isLate) see(call.identity, call.era, call.door).calls += 1

  return {
    sessions: sessions.size,
    streams,
    subscriptions: subscriptions.size,
    connections: clients.size,
    callsInFlight: live.size,
    late: { ...late, running: late.running + tools.resends.loose },
    cut: tools.cut.inspect(),
    resumable: parts.events.inspect(),
    clients: [...present.values()].map(toLiveClient),
  }
}

function toLiveClient(presence: Presence): LiveClient {
  return {
    client: presence.identity.client,
    label: presence.identity.label,
    eras: [...presence.eras],
    doors: [...presence.doors],
    callsInFlight: presence.calls,
  }
}
