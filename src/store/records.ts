// The records contract: what must survive a restart. Asynchronous from the first day, so that another store can take its place. Rooms
// own their tables: each brings its migrations and its own SQL, and touches nobody else's.

/** What SQLite holds. Integers come back as bigint, whatever their size. */
export type SqlValue = string | number | bigint | null | Uint8Array

/** One statement and the values of its `?` marks. */
export interface SqlCommand {
  readonly sql: string
  readonly values: readonly SqlValue[]
}

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>

/** One step of a room's schema. Versions of a room count from 1; a published step is never edited. */
export interface Migration {
  readonly room: string
  readonly version: number
  readonly sql: string
}

/** Durable records. Errors: `StoreFault`. */
export interface Records {
  /** Runs all commands, or none; resolves when they would outlive this process. Answers how many rows changed. */
  write(commands: readonly SqlCommand[]): Promise<number>
  /** Sees every write that has resolved. Readers, named by whose reading it is, take turns, and no write waits for them. */
  read(command: SqlCommand, reader: string): Promise<readonly SqlRow[]>
  /** Begins what the first write would wait for; cheap when it has begun. */
  warm(): void
  /** Writes what is pending, then closes. */
  close(): Promise<void>
}
