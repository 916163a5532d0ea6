/**
 * The default codec of values: MessagePack, and exact. A value comes back equal
 * (`util.isDeepStrictEqual`, −0 apart from 0) and of the same types, or it is refused with the path
 * to the part at fault.
 *
 * The writer and the reader are our own, because msgpackr keeps its state in its module: any
 * `import 'msgpackr'` in the process switches the native add-on on for us too, and any
 * `addExtension` changes our format. It also loses −0, the key `__proto__`, the mark U+FEFF at the
 * start of long text, and the difference of Map and object.
 */

import type { ValueCodec } from '../ports/value-codec.ts'
import { MsgpackReader } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

/**
 * Stores null, undefined, booleans, all numbers, bigints of any size, well-formed strings, dense
 * arrays, plain and null-prototype objects, Map, Set, Date, `Uint8Array` and `Buffer`, nested up to
 * 100 levels. Refuses everything else: class instances, functions, symbols, getters, holes in
 * arrays, other typed arrays, cycles, lone surrogates. `toJSON` is never called. That two parts are
 * the same object, or that one is frozen, is not kept.
 */
export function msgpackCodec<V>(): ValueCodec<V> {
  return {
    name: 'msgpack',
    encode,
    decode: (bytes) => new MsgpackReader(bytes).decode() as V,
  }
}

let idleWriter: MsgpackWriter | undefined

/**
 * One writer serves all. The trap of a proxy may encode a value inside of another: that one gets
 * its own.
 */
function encode(value: unknown): Uint8Array {
  const writer = idleWriter ?? new MsgpackWriter()
  idleWriter = undefined
  try {
    return writer.encode(value)
  } finally {
    idleWriter = writer
  }
}
