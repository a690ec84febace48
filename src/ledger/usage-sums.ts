// Usage without reading every row: a trigger adds each new row of the ledger to the sums of its hour and of its day, for each thing usage
// is summed by. So a question about a month reads the sums of its days, those of the hours before its first whole day, and of the rows
// only those before its first whole hour. Sums and rows are written in one transaction, by whatever process writes.

import type { Migration, SqlCommand } from '../store/records.ts'

/** What usage may be summed by. */
export type UsageDimension = 'client' | 'principal' | 'team' | 'provider' | 'model' | 'tool'

/** Which rows to sum. `principal` narrows to one's own. */
export interface UsageQuery {
  readonly by: UsageDimension
  /** Milliseconds since the epoch, inclusive. */
  readonly sinceMs: number
  readonly principal?: string | undefined
  /** Names that get a line of their own, the dearest; default 1,000. What others used is summed in one more. */
  readonly namesMax?: number
}

const namesMaxDefault = 1_000
const hourMs = 3_600_000
const dayMs = 24 * hourMs

const sums = [
  'attempts',
  'failed_attempts',
  'cached_answers',
  'estimated_attempts',
  'input_tokens',
  'cached_input_tokens',
  'output_tokens',
  'cost',
  'saved',
] as const
const summed = sums.map((sum) => `SUM(${sum}) AS ${sum}`).join(', ')

const named = (dimension: UsageDimension, name: string): string =>
  `SELECT '${dimension}' AS dimension, COALESCE(${name}, '') AS name, attempt_id, call_id, principal, ended_at_ms,
    outcome <> 'cached' AS attempts, outcome NOT IN ('done', 'cached') AS failed_attempts,
    outcome = 'cached' AS cached_answers, usage_source = 'estimated' AS estimated_attempts,
    IIF(outcome = 'cached', 0, input_tokens) AS input_tokens,
    IIF(outcome = 'cached', 0, cached_input_tokens) AS cached_input_tokens,
    IIF(outcome = 'cached', 0, output_tokens) AS output_tokens,
    cost_nano_usd AS cost, saved_nano_usd AS saved
  FROM ledger`

/** The sums, and those of the rows there are. A published step: what it is made of is never edited. */
export const usageSumsMigration: Migration = {
  room: 'ledger',
  version: 4,
  sql: `CREATE INDEX ledger_by_call ON ledger (call_id);
    CREATE VIEW ledger_named AS ${[
      named('client', 'client'),
      named('team', 'team'),
      named('provider', 'provider'),
      // A search has no model: its line bears the operation's name.
      named('model', 'COALESCE(model, operation)'),
      named('tool', 'tool'),
    ].join(' UNION ALL ')};
    CREATE TABLE ledger_sums (
      dimension TEXT NOT NULL, principal TEXT NOT NULL, span_ms INTEGER NOT NULL, start_ms INTEGER NOT NULL,
      name TEXT NOT NULL, calls INTEGER NOT NULL, ${sums.map((sum) => `${sum} INTEGER NOT NULL`).join(', ')},
      PRIMARY KEY (dimension, principal, span_ms, start_ms, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO ledger_sums
      SELECT dimension, principal, ${hourMs}, ended_at_ms / ${hourMs} * ${hourMs}, name, SUM(is_first), ${summed}
      FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY dimension, call_id, name ORDER BY ended_at_ms) = 1 AS is_first
        FROM ledger_named) GROUP BY 1, 2, 4, 5;
    INSERT INTO ledger_sums
      SELECT dimension, principal, ${dayMs}, start_ms / ${dayMs} * ${dayMs}, name, SUM(calls), ${summed}
      FROM ledger_sums GROUP BY 1, 2, 4, 5;
    CREATE TRIGGER ledger_summed AFTER INSERT ON ledger BEGIN
      INSERT INTO ledger_sums
        SELECT dimension, principal, span_ms, ended_at_ms / span_ms * span_ms, name, NOT EXISTS (
          SELECT 1 FROM ledger_named AS other WHERE other.call_id = NEW.call_id AND other.dimension = own.dimension
            AND other.name = own.name AND other.attempt_id <> NEW.attempt_id), ${sums.join(', ')}
        FROM ledger_named AS own, (SELECT ${hourMs} AS span_ms UNION ALL SELECT ${dayMs})
        WHERE own.attempt_id = NEW.attempt_id
      ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, ${sums.map((sum) => `${sum} = ${sum} + excluded.${sum}`).join(', ')};
    END;`,
}

// A call has one principal and one tool: the sums by tool serve for both.
const names: Readonly<Record<UsageDimension, { readonly dimension: UsageDimension; readonly name: string }>> =
  {
    // A client id is a claim inside its principal: equal ids of two principals are two clients.
    client: { dimension: 'client', name: "principal || '/' || name" },
    principal: { dimension: 'tool', name: 'principal' },
    team: { dimension: 'team', name: "NULLIF(name, '')" },
    provider: { dimension: 'provider', name: 'name' },
    model: { dimension: 'model', name: "NULLIF(name, '')" },
    tool: { dimension: 'tool', name: 'name' },
  }

/**
 * Reads lines of sums, dearest first; the last may be of several names. A call stands in the hour of its first row, and before the first
 * whole hour with any row.
 */
export function usageCommand({ by, sinceMs, principal, namesMax = namesMaxDefault }: UsageQuery): SqlCommand {
  const { dimension, name } = names[by]
  const own = principal === undefined ? '' : 'AND principal = ?'
  const of = [dimension, ...(principal === undefined ? [] : [principal])]
  const firstHourMs = Math.ceil(sinceMs / hourMs) * hourMs
  const firstDayMs = Math.ceil(sinceMs / dayMs) * dayMs
  return {
    sql: `WITH part AS (
        SELECT ${name} AS name, COUNT(DISTINCT call_id) AS calls, ${summed} FROM ledger_named
        WHERE dimension = ? ${own} AND ended_at_ms >= ? AND ended_at_ms < ? GROUP BY 1
        UNION ALL SELECT ${name} AS name, SUM(calls) AS calls, ${summed} FROM ledger_sums
        WHERE dimension = ? ${own} AND span_ms = ${hourMs} AND start_ms >= ? AND start_ms < ? GROUP BY 1
        UNION ALL SELECT ${name} AS name, SUM(calls) AS calls, ${summed} FROM ledger_sums
        WHERE dimension = ? ${own} AND span_ms = ${dayMs} AND start_ms >= ? GROUP BY 1),
      by_name AS (SELECT name, SUM(calls) AS calls, ${summed} FROM part GROUP BY 1),
      placed AS (SELECT *, ROW_NUMBER() OVER (ORDER BY cost DESC, attempts DESC, name) AS place FROM by_name)
      SELECT MIN(place, ?) AS place, MIN(name) AS name, COUNT(*) AS names, SUM(calls) AS calls, ${summed}
      FROM placed GROUP BY 1 ORDER BY 1`,
    values: [
      ...[...of, sinceMs, firstHourMs],
      ...[...of, firstHourMs, firstDayMs],
      ...[...of, firstDayMs],
      namesMax + 1,
    ],
  }
}
