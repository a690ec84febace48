// What a property is. Each lettered property of the design is one `property({ … })` in a `*.property.ts` file here, which
// exports a list named `properties`; test/properties.test.ts finds the files, runs every property on the sources, and then
// on a copy of the sources with the property's planted mutant, where it must fail. A property therefore reaches the code
// under test only through `rooms`; from src/ it imports types, and makers of plain values
// (`identityOf` and its like), and nothing else.

/** A module of src/ that a property needs: its path there, typed by what it exports. */
export interface Room<Module> {
  readonly path: string
  /** Only a type: never present. */
  readonly exports?: Module
}

/** Names a module: `room<typeof import('../../src/admission/gcra.ts')>('admission/gcra.ts')`. */
export function room<Module>(path: string): Room<Module> {
  return { path }
}

/** The sources under test, as they are or with a mutant planted. */
export interface Rooms {
  /** Absolute path of the sources. */
  readonly sources: string
  load<Module>(wanted: Room<Module>): Promise<Module>
}

/** One edit of one file below src/; `find` must occur in it exactly once. */
export interface Mutant {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A property by its letter in the design, the sentence it claims, its sabotage twins, and the check. */
export interface Property {
  readonly id: string
  readonly says: string
  /** At least one: a proof that no mutant can fail proves nothing. */
  readonly mutants: readonly Mutant[]
  /** Throws when the property does not hold. All chance comes from `seed`; no time but virtual time. */
  check(rooms: Rooms, seed: number): Promise<void>
}

/** Declares a property; only here for its type. */
export function property(declared: Property): Property {
  return declared
}

/** Throws the sentence when it is not true; cheaper and plainer here than an assertion library. */
export function holds(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new Error(sentence)
}
