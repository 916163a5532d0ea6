/** Brings what peers ask to those who answer. Every request of a sound session gets an answer. */
import { ClosedError, ProtocolError, StoreError } from '../base/errors.ts'
import type { ForwardedPuts } from '../coordinator/forwarded-puts.ts'
import { refuse, type ReplicaHandlers } from '../replica/handlers.ts'
import { scanCall } from '../replica/scan-page.ts'
import { isForClient, plainFrame, requestId } from '../rpc/frame-buffer.ts'
import { frameType, requestHeadBytes } from '../rpc/frame.ts'
import { pack, unpack } from '../rpc/pack.ts'
import type { Session } from '../rpc/session.ts'
import { comparisonCalls } from '../upkeep/comparison-calls.ts'
import { registerCall } from '../upkeep/configuration-keeper.ts'
import { configurationCast, epochCast } from '../upkeep/configuration-spread.ts'
import { owesCall } from '../upkeep/filling.ts'
import { reapCall, vouchCall } from '../upkeep/reap-calls.ts'
import { progressCall, progressTuple } from '../upkeep/steward.ts'
import { markedAnswer, markedCall } from '../upkeep/turns.ts'
import { membershipCast } from '../upkeep/gossip.ts'
import { recordAnswer, recordCall } from '../upkeep/mend-record.ts'
import { Admission } from './admission.ts'
import { policyCall } from './bucket-policies.ts'
import { explainAnswer, explainCall } from './explain.ts'
import { joinCall } from './join.ts'
import { loadAnswer, loadCall } from './balance.ts'
import type { NodeCore } from './node-core.ts'
import { sizesAnswer, sizesCall } from './partition-sizes.ts'

const inNoCluster = 'the node is in no cluster'

/** Routes what peers send to the parts of a node. */
export class Dispatch {
  readonly #core: NodeCore
  readonly #handlers: ReplicaHandlers
  readonly #puts: ForwardedPuts
  readonly admission: Admission
  /** Reads and writes of other nodes since the start, answered as a replica or coordinated. */
  answeredCount = 0
  /** Those of them that a client waits for, or frames of them. */
  servedCount = 0

  constructor(core: NodeCore, handlers: ReplicaHandlers, puts: ForwardedPuts) {
    this.#core = core
    this.#handlers = handlers
    this.#puts = puts
    this.admission = new Admission(core)
  }

  request(session: Session, bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]
    const isMember = this.#core.keeper.ring !== undefined && !this.#core.isClosed
    if (type === frameType.call) return this.#call(session, bytes, start, end)
    // Also while the node closes: a write that was begun is answered with what became of it.
    if (type === frameType.forward && this.#core.keeper.ring !== undefined) {
      this.answeredCount += 1
      this.servedCount += 1
      return this.#puts.answer(session, bytes, start, end)
    }
    if (!isMember) {
      return refuse(session, requestId(bytes, start), new ClosedError(inNoCluster))
    }
    this.answeredCount += 1
    if (isForClient(bytes, start)) this.servedCount += 1
    if (type === frameType.put) this.#handlers.put(session, bytes, start, end)
    else if (type === frameType.get) this.#handlers.get(session, bytes, start, end)
    else this.answeredCount += this.#handlers.many(session, bytes, start, end) - 1
  }

  cast(session: Session, message: readonly unknown[]): void {
    const [name, body] = message
    const { gossip, spread, keeper } = this.#core
    const from = session.remote!.id
    if (name === membershipCast) gossip?.receive(from, body)
    else if (name === epochCast) spread.heardEpoch(from, body)
    else if (name === configurationCast && keeper.ring !== undefined)
      spread.heardConfiguration(body)
  }

  #call(session: Session, bytes: Uint8Array, start: number, end: number): void {
    const id = requestId(bytes, start)
    const tuple = unpack(bytes, start + requestHeadBytes, end)
    if (tuple === undefined) return session.fail(new ProtocolError('a malformed call'))
    this.#answer(session, tuple).then(
      (result) => session.send(plainFrame({ type: frameType.result, flags: 0, id }, pack(result))),
      (error: unknown) => {
        refuse(session, id, error)
        // A mistake in the library: whoever asked is told that this node failed, and so is its own service.
        if (!(error instanceof StoreError)) this.#core.fail('request', error as Error)
      },
    )
  }

  async #answer(session: Session, tuple: readonly unknown[]): Promise<readonly unknown[]> {
    if (this.#core.isClosed) throw new ClosedError('the node is closed')
    if (comparisonCalls.has(tuple[0]))
      return this.#core.antiEntropy.answer(session.remote!.id, tuple)
    switch (tuple[0]) {
      case registerCall:
        return this.#core.keeper.answer(tuple)
      case joinCall:
        return this.admission.admit(session.remote!, tuple)
      case recordCall:
        return this.#record(tuple[1], tuple[2])
      case owesCall:
        return [
          this.#core.handoff.owes(session.remote!.id, Number(tuple[1])),
          this.#core.filling.isRecovering,
        ]
      case scanCall:
        return this.#core.scanPages.answer(tuple)
      case markedCall:
        return this.#marked(tuple)
      case progressCall:
        // The next life of a newcomer that asks anew to be let in is not yet the newcomer (its storage may be another).
        if (this.#core.keeper.ring === undefined) throw new ClosedError(inNoCluster)
        return progressTuple(this.#core.progress())
      case vouchCall:
        return this.#core.reapAnswers.answerVouch(tuple)
      case reapCall:
        return this.#core.reapAnswers.answerReap(tuple)
      case policyCall:
        return this.#core.policies.answer(String(tuple[1]))
      case explainCall:
        return explainAnswer(this.#core, tuple[1], tuple[2])
      case loadCall:
        return loadAnswer(this.#core)
      case sizesCall:
        return sizesAnswer(this.#core, tuple[1])
      default:
        throw new ProtocolError(`an unknown call ${String(tuple[0]).slice(0, 40)}`)
    }
  }

  #marked([, epoch, target, partitions]: readonly unknown[]): readonly unknown[] {
    const { handoff, hints } = this.#core
    const marked = hints.dirtyPartitions(String(target))
    const view = { marked, isBehind: (theirs: number) => handoff.isBehind(theirs) }
    return markedAnswer(view, epoch, partitions)
  }

  #record(partition: unknown, key: unknown): Promise<readonly unknown[]> {
    const partitions = this.#core.keeper.ring?.partitions ?? 0
    const isPlace = Number.isSafeInteger(partition) && typeof key === 'string'
    if (!isPlace || (partition as number) < 0 || (partition as number) >= partitions)
      throw new ProtocolError('a record outside of the ring was asked for')
    return recordAnswer(this.#core.store, partition as number, key)
  }
}
