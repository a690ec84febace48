// Branded names: a principal can never be passed where a client is meant.

declare const brand: unique symbol
type Branded<Base, Name extends string> = Base & { readonly [brand]: Name }

/** The authenticated identity a client acts for; `local` on loopback without keys. */
export type PrincipalName = Branded<string, 'PrincipalName'>
/** One window or program inside a principal. A claim, not a proof: it never crosses principals. */
export type ClientId = Branded<string, 'ClientId'>
/** One call, unique in the life of the data folder; safe to show to people. */
export type CallId = Branded<string, 'CallId'>

/** The principal of everybody on loopback while no keys exist. */
export const localPrincipal: PrincipalName = 'local' as PrincipalName
