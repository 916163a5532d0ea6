/** A planted fault: a small change of the sources that a checker must catch. */

/** One replacement in one file of `src`. The text to be replaced stands there exactly once. */
export interface Edit {
  /** Below `src`. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** A fault of the library, planted in a copy of its sources. */
export interface Mutant {
  readonly name: string
  /** The row of HAZARDS.md, or the promise, that it breaks. */
  readonly hazard: string
  /** What goes wrong, as a sentence. */
  readonly fault: string
  readonly edits: readonly Edit[]
}
