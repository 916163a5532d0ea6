/** Randomness, as the library sees it. Seeded in simulations, the system's elsewhere. */
export interface Random {
  /** Uniform in [0, 1). For choices: which peer, how much jitter. */
  float(): number
  /** Unpredictable bytes for identities and challenges; in a simulation, seeded ones. */
  bytes(count: number): Uint8Array
}
