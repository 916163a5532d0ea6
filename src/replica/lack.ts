/**
 * That a replica may lack what it should have. `recovering`: its storage was lost or may have been; nothing that it
 * says counts. `gaining`: it became an owner, and has all that was written since, but perhaps not yet what was before
 * (HAZARDS D4).
 */
export type Lack = 'recovering' | 'gaining'

/**
 * The worse of what a node lacked before it read its storage and after that: what it has got meanwhile may have come
 * too late for what was read.
 */
export function worseLack(before: Lack | undefined, after: Lack | undefined): Lack | undefined {
  return before === 'recovering' ? before : (after ?? before)
}
