// What of a session must be remembered beside its token, one row each, the principal first: its log level and subscriptions, and
// that it was ended. Rows outlive their token, whatever its life is set to later. Bounded: a principal that ends more sessions than that
// loses the rows of its oldest ones, and nobody else's: a session it ended would then go on, for itself alone.

import type { PrincipalName } from '../../../domain/ids.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Migration, Records, SqlCommand, SqlRow } from '../../../store/records.ts'
import { sealedMsMax } from '../../../store/seal-secret-file.ts'

/** The schema. */
export const sessionMigrations: readonly Migration[] = [
  {
    room: 'mcp-sessions',
    version: 1,
    sql: `CREATE TABLE mcp_sessions (
      principal TEXT NOT NULL,
      session TEXT NOT NULL,
      is_ended INTEGER NOT NULL,
      log_level TEXT,
      subscriptions TEXT NOT NULL,
      expires_at_ms INTEGER NOT NULL,
      PRIMARY KEY (principal, session)
    ) WITHOUT ROWID;
    CREATE INDEX mcp_sessions_expiry ON mcp_sessions (expires_at_ms);`,
  },
]

/** What a client set in its session. */
export interface SessionSettings {
  readonly logLevel: string | null
  readonly subscriptions: readonly string[]
}

/** What is remembered of a session. */
export type SessionRecord = { readonly kind: 'ended' } | ({ readonly kind: 'live' } & SessionSettings)

/** Whose row it is. `issuedAtMs`: when its token was made, in milliseconds since the epoch. */
export interface SessionRow {
  readonly principal: PrincipalName
  readonly shownId: string
  readonly issuedAtMs: number
}

const rowsPerPrincipalMax = 10_000
// The clock may have been ahead by the longest life when we began. And a row of an older build says when its token was to end by the
// setting of its day: it may have been given the longest life since.
const graceMs = 2 * sealedMsMax
const tidyEvery = 64

interface LookUp {
  readonly shownId: string
  resolve(record: SessionRecord): void
  reject(error: unknown): void
}

const nothingSet: SessionRecord = { kind: 'live', logLevel: null, subscriptions: [] }

/** The rows. Everything rejects with a `StoreFault`. */
export class SessionRecords {
  readonly #records: Records
  readonly #clock: Clock
  readonly #rowsPerPrincipalMax: number
  /** The wall time at which the monotonic clock was zero, as it was when we began. */
  readonly #zeroWallMs: number
  /** Look-ups that wait, by principal, while one of it is under way. Bounded by the requests that wait. */
  readonly #waiting = new Map<PrincipalName, LookUp[]>()
  #writes = 0

  constructor(records: Records, clock: Clock, rowsMax: number = rowsPerPrincipalMax) {
    this.#records = records
    this.#clock = clock
    this.#rowsPerPrincipalMax = rowsMax
    this.#zeroWallMs = clock.wallMs() - clock.now()
  }

  /** What is remembered; of a session that set nothing, nothing is. */
  read(principal: PrincipalName, shownId: string): Promise<SessionRecord> {
    return new Promise((resolve, reject) => {
      const lookUp = { shownId, resolve, reject }
      const waiting = this.#waiting.get(principal)
      if (waiting !== undefined) {
        waiting.push(lookUp)
        return
      }
      this.#waiting.set(principal, [])
      void this.#readAll(principal, [lookUp])
    })
  }

  /** Remembers that a session was ended, for longer than its token can live. */
  async end(row: SessionRow): Promise<void> {
    await this.#write(row, 1, { logLevel: null, subscriptions: [] })
  }

  /** Remembers what a client set. A session that was ended stays so. */
  async keep(row: SessionRow, settings: SessionSettings): Promise<void> {
    await this.#write(row, 0, settings)
  }

  // After a restart all of a principal's sessions come at once: those that wait are read together, as one reading of it.
  async #readAll(principal: PrincipalName, first: readonly LookUp[]): Promise<void> {
    for (let lookUps = first; lookUps.length > 0; lookUps = this.#waiting.get(principal)?.splice(0) ?? []) {
      try {
        const rows = await this.#records.read(
          {
            sql: `SELECT session, is_ended, log_level, subscriptions FROM mcp_sessions
              WHERE principal = ? AND session IN (SELECT value FROM json_each(?))`,
            values: [principal, JSON.stringify(lookUps.map(({ shownId }) => shownId))],
          },
          principal,
        )
        const bySession = new Map(rows.map((row) => [row.session, row]))
        for (const { shownId, resolve } of lookUps) resolve(toRecord(bySession.get(shownId)))
      } catch (error) {
        for (const { reject } of lookUps) reject(error)
      }
    }
    this.#waiting.delete(principal)
  }

  async #write(row: SessionRow, isEnded: 0 | 1, settings: SessionSettings): Promise<void> {
    const { principal, shownId, issuedAtMs } = row
    const commands: SqlCommand[] = [
      {
        sql: `INSERT INTO mcp_sessions (principal, session, is_ended, log_level, subscriptions, expires_at_ms)
          VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (principal, session) DO UPDATE SET is_ended = max(is_ended, excluded.is_ended),
            log_level = excluded.log_level, subscriptions = excluded.subscriptions, expires_at_ms = excluded.expires_at_ms`,
        values: [
          principal,
          shownId,
          isEnded,
          settings.logLevel,
          JSON.stringify(settings.subscriptions),
          // By the longest life: the rows of a principal are then in order of age, under whatever setting they were written.
          Math.round(issuedAtMs + sealedMsMax),
        ],
      },
    ]
    // Looking for what has to go reads all rows of the principal: not at every write.
    if (this.#writes++ % tidyEvery === 0) commands.push(...this.#tidying(principal))
    await this.#records.write(commands)
  }

  #tidying(principal: PrincipalName): readonly SqlCommand[] {
    // A clock that was put ahead may be put right: no session that was ended may open then.
    const wallMs = Math.min(this.#clock.wallMs(), this.#zeroWallMs + this.#clock.now())
    return [
      {
        sql: 'DELETE FROM mcp_sessions WHERE expires_at_ms <= ?',
        values: [Math.round(wallMs - graceMs)],
      },
      {
        sql: `DELETE FROM mcp_sessions WHERE principal = ? AND session IN (
          SELECT session FROM mcp_sessions WHERE principal = ? ORDER BY expires_at_ms DESC LIMIT -1 OFFSET ?)`,
        values: [principal, principal, this.#rowsPerPrincipalMax],
      },
    ]
  }
}

function toRecord(row: SqlRow | undefined): SessionRecord {
  if (row === undefined) return nothingSet
  if (row.is_ended === 1n) return { kind: 'ended' }
  return {
    kind: 'live',
    logLevel: typeof row.log_level === 'string' ? row.log_level : null,
    subscriptions: JSON.parse(String(row.subscriptions)) as string[],
  }
}
