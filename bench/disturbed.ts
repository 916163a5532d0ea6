/** A measurement that says nothing, because the machine was too busy for the cluster to stay whole. */
import type { CoterieNode } from '../src/index.ts'

/** It can be made again: another one may have more luck. */
export class DisturbedError extends Error {}

/** @throws {DisturbedError} when a replica was given up, so that the store was not whole all the time. */
export function assertUndisturbed(node: CoterieNode): void {
  const { operations, handoff } = node.stats()
  if (operations.failed > 0 || handoff.hints > 0)
    throw new DisturbedError('the machine is too busy: coterie gave up a replica')
}

/** An error on its way from the process that measures to its parent. */
export interface ToldError {
  readonly failure: string
  readonly isDisturbed: boolean
}

/** In the process that measures. */
export function toldOf(error: unknown): ToldError {
  const failure = error instanceof Error ? error.message : String(error)
  return { failure, isDisturbed: error instanceof DisturbedError }
}

/** In its parent. */
export function errorOf({ failure, isDisturbed }: ToldError): Error {
  return isDisturbed ? new DisturbedError(failure) : new Error(failure)
}
