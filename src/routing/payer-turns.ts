// A job that several wait for may be barred by what concerns its payer alone: his quotas, or his places in a queue. Then he leaves with
// that sentence, and the job begins anew for the next who can pay. Bounded by those who wait: each turn but the first of a payer who has
// just inherited sends one of them away.

import { CallFailure } from '../domain/failure.ts'
import type { RefusalScope } from '../domain/refusal.ts'

/** Who pays now, and how that changes. */
interface PaidByTurns<Payer> {
  readonly identity: Payer
  passOn?(bar: CallFailure): boolean
}

/** Runs the job for its payer, and for the next one while the payer is barred. Throws what `run` threw when nobody else can pay. */
export async function whileSomebodyPays<Payer, Result>(
  request: PaidByTurns<Payer>,
  run: (payer: Payer) => Promise<Result>,
): Promise<Result> {
  for (;;) {
    const payer = request.identity
    try {
      return await run(payer)
    } catch (error) {
      if (!isPayersOwn(error)) throw error
      // Whoever inherited in the meantime was never asked which candidates he can pay.
      const isAnothers = request.identity !== payer
      if (!isAnothers && request.passOn?.(error) !== true) throw error
    }
  }
}

const ofPayer: ReadonlySet<RefusalScope> = new Set<RefusalScope>(['client', 'principal', 'team'])

function isPayersOwn(error: unknown): error is CallFailure {
  return (
    error instanceof CallFailure &&
    error.code === 'refused' &&
    error.refusal !== null &&
    ofPayer.has(error.refusal.scope)
  )
}
