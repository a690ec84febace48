// `${NAME}` in string values: how secrets get into the config without standing in the file. `$${NAME}` stands for itself. What looks
// like a variable and is none is refused: taken as it stands it would be sent as a key, or made into a folder.

import { ownValue } from '../lib/own-value.ts'

/** An expanded string and the variables it took, or the first variable that was not set; `broken`: no variable can be read from it. */
export type Expansion =
  | { readonly kind: 'expanded'; readonly text: string; readonly names: readonly string[] }
  | { readonly kind: 'unset'; readonly name: string }
  | { readonly kind: 'broken' }

// In this order: a `${` and a first `$` that the forms before them did not take are broken.
const forms = /\$(\$\{[^}]*\})|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|(\$\{|^\s*\$)/g

/**
 * Replaces `${NAME}` by its value, `${NAME:-text}` by the text when it is unset. An empty variable counts as unset. What a variable
 * holds is taken as it is.
 */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): Expansion {
  const names: string[] = []
  let unset: string | null = null
  let isBroken = false
  const expanded = text.replace(
    forms,
    (
      _whole,
      literal: string | undefined,
      name: string | undefined,
      fallback: string | undefined,
      stray: string | undefined,
    ) => {
      // A default ends at the first brace, so one that holds a variable would leave a brace behind.
      if (stray !== undefined || fallback?.includes('${') === true) isBroken = true
      if (name === undefined) return literal ?? ''
      const value = ownValue(env, name)
      if (value !== undefined && value !== '') {
        names.push(name)
        return value
      }
      if (fallback === undefined) unset ??= name
      return fallback ?? ''
    },
  )
  if (isBroken) return { kind: 'broken' }
  return unset === null ? { kind: 'expanded', text: expanded, names } : { kind: 'unset', name: unset }
}
