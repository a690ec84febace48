// A planted fault: a small tree that must make one rule of tidy fire, or one that must not.

/** A small tree and what its rule must say of it; `fires: null` says that the tree is fine. */
export interface Plant {
  readonly rule: string
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly fires: RegExp | null
}
