/** Errors on their way between nodes: each class arrives as itself, with its fields. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as errors from '../../src/base/errors.ts'
import { packFailure, unpackFailure } from '../../src/rpc/failure.ts'
import { frameBytesMax, frameType } from '../../src/rpc/frame.ts'
import { pack } from '../../src/rpc/pack.ts'

function told(error: unknown): errors.StoreError {
  const bytes = packFailure(error)
  return unpackFailure(bytes, 0, bytes.length)
}

const sent: readonly errors.StoreError[] = [
  new errors.UnavailableError('few', { needed: 2, alive: 1 }),
  new errors.WriteUncertainError('some', { needed: 3, acknowledged: 1 }),
  new errors.TimeoutError('late', { afterMs: 12.5 }),
  new errors.InvalidArgumentError('replication.n', 'is 5: not 3'),
  new errors.InvalidContextError('of another key'),
  new errors.ConflictPolicyError('differs', { bucket: 'b: c' }),
  new errors.LimitError('siblingsMax', { allowed: 64, actual: 65, what: 'siblings of "a: b"' }),
  new errors.OverloadedError('later'),
  new errors.ClosedError('over'),
  new errors.StorageError('broken'),
  new errors.ProtocolError('odd'),
  new errors.TopologyBusyError('busy'),
]

test.each(sent)('$name', (error) => {
  const arrived = told(error)
  expect(arrived.constructor).toBe(error.constructor)
  expect(Object.entries(arrived)).toEqual(Object.entries(error))
  expect(arrived.message).toBe(error.message)
})

test('what is no error of the library arrives as a protocol error without its details', () => {
  for (const odd of [new Error('secret'), 'text', undefined, null, { code: 'ERR_LIMIT' }]) {
    expect(told(odd)).toBeInstanceOf(errors.ProtocolError)
    expect(told(odd).message).not.toContain('secret')
  }
})

test('a message of any length fits into its frame', () => {
  const bytes = packFailure(new errors.StorageError('é'.repeat(1_000_000)))
  expect(bytes.length).toBeLessThan(frameBytesMax(frameType.failed))
})

describe('what a peer makes up is an error all the same', () => {
  const bodies: readonly (readonly unknown[])[] = [
    [],
    ['ERR_NEW', 'message', []],
    ['ERR_LIMIT', 'message', [['x'], 'y', null]],
    ['ERR_UNAVAILABLE', 'message', []],
    ['ERR_INVALID_ARGUMENT', '', []],
    ['ERR_TIMEOUT', 'message', ['soon']],
    ['constructor', 'message', []],
    [1, 2, 3],
  ]
  test.each(bodies.map((body) => [body]))('%o', (body) => {
    const bytes = pack(body)
    expect(unpackFailure(bytes, 0, bytes.length)).toBeInstanceOf(errors.StoreError)
  })

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(unpackFailure(bytes, 0, bytes.length)).toBeInstanceOf(errors.StoreError)
      }),
    )
  })
})
