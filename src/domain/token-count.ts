// What a count of tokens can be at most. No model's window holds a tenth of it, so a vendor that says more has not counted; and one such
// number would outweigh in every sum it enters all that anybody else takes in months.

/** Tokens that one attempt may have taken; a larger count is nobody's. */
export const attemptTokensMax = 100_000_000
