/**
 * The sets of owners that a member is in while owners change, as bits: those before the change and those after it.
 * While they do not change, an owner is in both.
 */
export const sides = { before: 1, after: 2, both: 3 } as const
