/**
 * That a replica may lack what it should have. `recovering`: its storage was lost or may have been; nothing that it
 * says counts. `gaining`: it became an owner, and has all that was written since, but perhaps not yet what was before
 * (HAZARDS D4).
 */
export type Lack = 'recovering' | 'gaining'
