// What a rule of the fault matrix is: a class of faults that must come to the same end, why, and what that end is, in three
// situations. V is the vendor that fails, O the other one. Rules are written from what vendors say and from the design, never from
// what was seen; so a row that differs is a fault of ours, or a rule to argue about.

import type { Vendor } from '../../simulator/vendors.ts'

/** How a call is to end. */
export interface Ending {
  /** `V answers`, `O answers`, a failure's code, or a refusal's reason. */
  readonly outcome: string
  /**
   * Attempts in order, as `V timeout estimated x2`: who, how it ended, who counted its tokens (`counted` by the vendor, `estimated` by
   * us, `free`), and how often in a row where not once; `x2-4`: between.
   */
  readonly attempts: readonly string[]
  /** What the window's model reads. Absent: the whole answer, as without any fault. `V` alone stands for the name. */
  readonly told?: RegExp
  /** What log and inspection tell the operator, in order; a failed call's own line is understood. */
  readonly operator?: readonly string[]
  /** The code under which the log has the failed call, where the window is told a refusal of ours; absent: `outcome`. */
  readonly logged?: string
}

/** The call that can meet the fault. */
export type Errand = 'chat' | 'search' | 'document'

/** A class of faults. */
export interface Rule {
  readonly name: string
  /** What must come of it, and why, for a reader. */
  readonly why: string
  readonly faults: Readonly<Partial<Record<Vendor, readonly string[]>>>
  /** `chat` when absent. */
  readonly errand?: Errand
  /** It strikes once; a chain may go on to the other vendor. Not run where it is the very ending of `lasting`. */
  readonly once: Ending
  /** It strikes as long as it is asked; a chain may go on. Always run. */
  readonly lasting: Ending
  /** It strikes as long as it is asked, and nobody else is set up. Not run where it is the very ending of `lasting`. */
  readonly alone: Ending
}

/** The whole answer at the first attempt, whatever happens on the way. */
export function unnoticed(
  source: 'counted' | 'estimated',
  told?: RegExp,
): Pick<Rule, 'once' | 'lasting' | 'alone'> {
  const ending: Ending = {
    outcome: 'V answers',
    attempts: [`V done ${source}`],
    ...(told === undefined ? {} : { told }),
  }
  return { once: ending, lasting: ending, alone: ending }
}

/** The same vendor once more, then the other; alone, a sentence after two attempts or those of `alone`. */
export function onceMore(
  code: string,
  source: string,
  told: RegExp,
  { operator = [], alone = `V ${code} ${source} x2`, done = 'counted' }: EndingOptions = {},
): Pick<Rule, 'once' | 'lasting' | 'alone'> {
  return {
    once: { outcome: 'V answers', attempts: [`V ${code} ${source}`, `V done ${done}`] },
    lasting: { outcome: 'O answers', attempts: [`V ${code} ${source} x2`, `O done ${done}`], operator },
    alone: { outcome: code, attempts: [alone], told, operator },
  }
}

/** The other vendor at once; alone, a sentence after the attempts of `alone`. */
export function elsewhere(
  code: string,
  source: string,
  told: RegExp,
  { operator = [], alone = `V ${code} ${source}`, done = 'counted' }: EndingOptions = {},
): Pick<Rule, 'once' | 'lasting' | 'alone'> {
  const moved: Ending = {
    outcome: 'O answers',
    attempts: [`V ${code} ${source}`, `O done ${done}`],
    operator,
  }
  return { once: moved, lasting: moved, alone: { outcome: code, attempts: [alone], told, operator } }
}

interface EndingOptions {
  readonly operator?: readonly string[]
  readonly alone?: string
  readonly done?: string
}

/** A sentence after one attempt, whoever else there is. */
export function stopped(
  code: string,
  source: string,
  told: RegExp,
): Pick<Rule, 'once' | 'lasting' | 'alone'> {
  const ending: Ending = { outcome: code, attempts: [`V ${code} ${source}`], told }
  return { once: ending, lasting: ending, alone: ending }
}

/** The last sentence, telling of the attempt before it. */
export const twice = (sentence: RegExp): RegExp =>
  new RegExp(`${sentence.source}.* Tried before it: V/main\\b.*\\([a-z-]+(?:, \\d+ times)?\\)\\.`, 's')
