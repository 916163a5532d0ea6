/**
 * When coordinator and replica work under two epochs of the ring: the replica answers with its own, and whoever is
 * behind catches up before the request is made again.
 */
import { fromTuple, toTuple } from '../ring/configuration-check.ts'
import { plainFrame } from '../rpc/frame-buffer.ts'
import { frameType } from '../rpc/frame.ts'
import { pack, unpack } from '../rpc/pack.ts'
import type { ConfigurationKeeper } from '../upkeep/configuration-keeper.ts'
import { configurationCast } from '../upkeep/configuration-spread.ts'
import type { NodeCore } from './node-core.ts'

/** The body of a replica's answer to a request that was made under another epoch: its configuration, if newer. */
export function otherEpochBody(keeper: ConfigurationKeeper, theirs: number): Uint8Array {
  const configuration = keeper.configuration!
  const isNewer = configuration.epoch > theirs
  return pack([configuration.epoch, isNewer ? toTuple(configuration) : null])
}

/** A replica gave that answer: whether it makes sense to ask it again. */
export function heardOtherEpoch(
  core: NodeCore,
  id: string,
  body: { bytes: Uint8Array; start: number; end: number },
): boolean {
  const { keeper, peers } = core
  const [epoch, tuple] = unpack(body.bytes, body.start, body.end) ?? []
  const ours = keeper.configuration!
  if (typeof epoch !== 'number') return false
  if (epoch < ours.epoch) {
    const cast = pack([configurationCast, toTuple(ours)])
    return peers.data(id).post(plainFrame({ type: frameType.cast, flags: 0, id: 0 }, cast))
  }
  const theirs = fromTuple(tuple)
  if (typeof theirs !== 'string') core.learn(theirs)
  return keeper.configuration!.epoch >= epoch
}
