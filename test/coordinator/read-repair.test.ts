/** Who is sent what when replicas are repaired, and for whom hints are kept (HAZARDS C1). */
import { expect, test } from 'vitest'
import {
  nobodyWaits,
  repairReplicas,
  type RepairRequest,
} from '../../src/coordinator/read-repair.ts'
import { StoreError } from '../../src/base/errors.ts'
import { readPut } from '../../src/rpc/frame-buffer.ts'
import { fakeNode, partition, ringOf, soon, storageKey, type FakeNode } from './kit.ts'

const request = (more: Partial<RepairRequest>): RepairRequest => ({
  storageKey,
  partition,
  timeoutMs: 1_000,
  epoch: 1,
  record: Buffer.alloc(40),
  stale: new Map(),
  hintFor: [],
  ...more,
})

/** For whom each write that waits at the lane of a member asks to keep a hint. */
function hintsAsked(rig: FakeNode, id: string): (readonly string[] | undefined)[] {
  return [...rig.lane(id).calls.values()].map(
    ({ frame }) => readPut(frame, 0, frame.length)?.hintFor,
  )
}

const [self, first, second] = ringOf(['a', 'b', 'c']).owners(partition) as [string, string, string]
const rigOf = (): FakeNode => fakeNode(self, ringOf(['a', 'b', 'c']))

test('one of the owners that are repaired keeps the hints for those that are away', () => {
  const rig = rigOf()
  const stale = new Map([[first, undefined]])
  repairReplicas(rig.node, request({ stale, hintFor: [second] }), {
    missing: nobodyWaits,
    asked: [self, first],
    reached: () => undefined,
    missed: () => undefined,
  })
  expect(hintsAsked(rig, first)).toEqual([[second]])
})

// Found by seed 198671619 of the storm: a node kept a hint for itself, which nobody ever delivered.
test('an owner that is back and takes the place of another keeps no hint for itself', async () => {
  const rig = rigOf()
  rig.down.add(second)
  const took: string[] = []
  const missing = {
    count: 1,
    took: (id: string): void => {
      took.push(id)
      missing.count -= 1
    },
  }
  const outcome: string[] = []
  repairReplicas(rig.node, request({ stale: new Map([[first, undefined]]), hintFor: [second] }), {
    missing,
    asked: [self, first],
    reached: () => outcome.push('reached'),
    missed: () => outcome.push('missed'),
  })
  rig.down.delete(second)
  rig.lane(first).fail(new StoreError('ERR_STORAGE', 'a full disk'))
  await soon()
  expect(hintsAsked(rig, second)).toEqual([[]])
  rig.lane(second).acknowledge()
  expect([took, outcome]).toEqual([[second], ['reached']])
})
