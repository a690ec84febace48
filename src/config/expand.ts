// `${NAME}` in string values: how secrets get into the config without standing in the file. `$${NAME}` stands for itself.

/** An expanded string and the variables it took, or the first variable that was not set. */
export type Expansion =
  | { readonly kind: 'expanded'; readonly text: string; readonly names: readonly string[] }
  | { readonly kind: 'unset'; readonly name: string }

/** Replaces `${NAME}` by its value, `${NAME:-text}` by the text when it is unset. An empty variable counts as unset. */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): Expansion {
  const names: string[] = []
  let unset: string | null = null
  const expanded = text.replace(
    /\$(\$\{[^}]*\})|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
    (_whole, literal: string | undefined, name: string | undefined, fallback: string | undefined) => {
      if (name === undefined) return literal ?? ''
      const value = env[name]
      if (value !== undefined && value !== '') {
        names.push(name)
        return value
      }
      if (fallback === undefined) unset ??= name
      return fallback ?? ''
    },
  )
  return unset === null ? { kind: 'expanded', text: expanded, names } : { kind: 'unset', name: unset }
}
