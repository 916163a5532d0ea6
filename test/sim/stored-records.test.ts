import { describe, expect, test } from 'vitest'
import { msgpackCodec } from '../../src/adapters/msgpack-codec.ts'
import type { StorageWrite } from '../../src/ports/storage.ts'
import { HintStore } from '../../src/replica/hint-store.ts'
import { booksPartition } from '../../src/replica/places.ts'
import { sealStored, storedHeaderBytes } from '../../src/replica/stored-record.ts'
import type { RingConfiguration } from '../../src/ring/configuration.ts'
import * as codec from '../../src/ring/configuration-check.ts'
import { emptyAcceptor } from '../../src/ring/register/acceptor.ts'
import { acceptorToTuple } from '../../src/ring/register/message-codec.ts'
import { pack } from '../../src/rpc/pack.ts'
import { Settlement } from '../../src/sim/settlement.ts'
import { SimDisk } from '../../src/sim/sim-disk.ts'
import { hintCount, placeOf, viewRecord } from '../../src/sim/stored-records.ts'
import { StoredRing } from '../../src/sim/stored-ring.ts'
import { encodeRecord } from '../../src/versions/record-codec.ts'
import { World } from './world.ts'

const place = placeOf('b', 'k', 16)
const actor = '\x01\x02'.padEnd(16, '\0')

/** The writes that store a record with a value, or a mark of deletion, under the place. */
function recordWrites(value: unknown): StorageWrite[] {
  const isTombstone = value === undefined
  const sibling = {
    dot: { actor, counter: 3 },
    tombstone: isTombstone,
    value: isTombstone ? new Uint8Array() : msgpackCodec().encode(value),
    stamp: 0,
    expiresAtMs: 0,
  }
  const context = { vector: [{ actor, counter: 3 }], isolated: [] }
  const stored = encodeRecord({ kind: 'siblings', context, siblings: [sibling] }, storedHeaderBytes)
  sealStored(stored, place.key, true)
  return [{ ...place, value: stored }]
}

function hintWrites(target: string): readonly StorageWrite[] {
  const { storage } = memoryOn(new SimDisk())
  const limits = { bytesPerTargetMax: 1000, bytesMax: 1000, windowMs: 1000 }
  return new HintStore(storage, limits).add({ target, ...place }, 10, 0)
}

function memoryOn(disk: SimDisk) {
  const world = new World()
  return { storage: world.storage(disk, world.process('a'), 'memory') }
}

function diskWith(...writes: readonly StorageWrite[]): SimDisk {
  const disk = new SimDisk()
  disk.write(writes)
  return disk
}

function booksWith(epoch: number, ids: readonly string[]): StorageWrite {
  const chosen: RingConfiguration = {
    cluster: 'c'.repeat(32),
    epoch,
    partitions: 16,
    n: 3,
    members: ids.map((id, i) => {
      return { id, store: String(i).repeat(32), zone: '', weight: 1, stage: 'normal' }
    }),
    departed: [],
    moves: 0,
  }
  const value = Buffer.from(pack(acceptorToTuple({ ...emptyAcceptor, chosen }, codec)))
  return { partition: booksPartition, key: 'acceptor', value }
}

describe('the view of a stored record', () => {
  test('shows its values, marks of deletion, context and role', () => {
    const disk = diskWith(...recordWrites({ a: 1 }))
    const clock = `0102${'0'.repeat(28)}:3`
    const view = { siblings: [{ a: 1 }], tombstones: 0, clock }
    expect(viewRecord(disk, place, { isOwner: true })).toEqual({ ...view, role: 'primary' })
    expect(viewRecord(disk, place, { isOwner: false })).toEqual({ ...view, role: 'stray' })
    disk.write(hintWrites('n2'))
    expect(viewRecord(disk, place, { isOwner: false })).toEqual({ ...view, role: 'hint' })
    const deleted = viewRecord(diskWith(...recordWrites(undefined)), place, { isOwner: true })
    expect(deleted).toMatchObject({ siblings: [], tombstones: 1 })
  })

  test('tells a damaged record from an absent one', () => {
    const disk = diskWith(...recordWrites('v'))
    disk.flipBit(place.partition, place.key, 100)
    expect(viewRecord(disk, place, { isOwner: true })?.clock).toBe('damaged')
    disk.remove(place.partition, place.key)
    expect(viewRecord(disk, place, { isOwner: true })).toBeUndefined()
  })
})

describe('the stored ring', () => {
  test('is the newest on any disk, and the last one found when there is none left', () => {
    const ring = new StoredRing()
    expect(ring.newest([new SimDisk()])).toBeUndefined()
    const disks = [diskWith(booksWith(2, ['n1', 'n2'])), diskWith(booksWith(1, ['n1']))]
    expect(ring.newest(disks)?.memberIds).toEqual(['n1', 'n2'])
    expect(ring.newest([])?.epoch).toBe(2)
  })
})

describe('a cluster has settled', () => {
  const ring = new StoredRing().newest([diskWith(booksWith(1, ['n1', 'n2', 'n3']))])
  const problem = (...disks: SimDisk[]): string | undefined =>
    new Settlement().problem(new Map(disks.map((disk, i) => [`n${i + 1}`, disk])), ring)
  const having = (value: unknown): SimDisk => diskWith(...recordWrites(value))

  test('when its owners store the same, wherever else a record is', () => {
    expect(problem(having(1), having(1), having(1))).toBeUndefined()
    expect(problem(new SimDisk(), new SimDisk(), new SimDisk(), having(1))).toBeUndefined()
  })

  test('not while an owner stores another record, a damaged one, or none', () => {
    const damaged = having(1)
    damaged.flipBit(place.partition, place.key, 100)
    for (const odd of [having(2), having(undefined), new SimDisk(), damaged]) {
      expect(problem(having(1), having(1), odd)).toContain('"k" in bucket "b"')
      expect(problem(odd, having(1), having(1))).toContain('"k" in bucket "b"')
    }
  })

  test('not while anybody keeps a hint, or nobody has a ring', () => {
    const hinting = diskWith(...recordWrites(1), ...hintWrites('n2'))
    expect(hintCount(hinting)).toBe(1)
    expect(problem(having(1), having(1), hinting)).toBe('n3 keeps 1 hints')
    expect(new Settlement().problem(new Map(), undefined)).toBe('no node has a ring')
  })
})
