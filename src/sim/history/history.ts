/** A history: what the clients of a cluster asked and were told. `record` fills it, or its user. */

import { InvalidArgumentError } from '../../base/errors.ts'
import { checkOperation, type NewOperation, type Operation, type OperationId } from './operation.ts'

/** Operations of any number of clients, buckets and keys. JSON of it is the list of operations. */
export interface History {
  /** In the order in which they were added; recorded ones are added when they start. */
  readonly operations: readonly Operation[]
  /**
   * Adds an operation that was observed elsewhere: in another process, through a service's own
   * interface. Returns what was added, with its id, for the `context` of later ones.
   *
   * Times of one history are on one scale: `record` numbers starts and ends 1, 2, 3, …; to check
   * operations with times of their own, put them into a history of their own.
   * @throws {InvalidArgumentError} when fields contradict each other, or the id is taken.
   */
  add(operation: NewOperation): Operation
  toJSON(): readonly Operation[]
}

/** An empty history. */
export function createHistory(): History {
  return new OperationList()
}

class OperationList implements History {
  readonly #operations: Operation[] = []
  readonly #ids = new Set<OperationId>()
  #lastId = 0

  get operations(): readonly Operation[] {
    return this.#operations
  }

  add(operation: NewOperation): Operation {
    checkOperation(operation)
    const { id = this.#nextId() } = operation
    if (this.#ids.has(id)) throw new InvalidArgumentError('operation.id', `${id} is taken`)
    const added = { ...operation, id }
    this.#ids.add(id)
    this.#operations.push(added)
    return added
  }

  toJSON(): readonly Operation[] {
    return this.#operations
  }

  #nextId(): number {
    do this.#lastId++
    while (this.#ids.has(this.#lastId))
    return this.#lastId
  }
}
