/**
 * The few messages of etcd that are measured, as gRPC frames around Protocol Buffers: a byte that says "not
 * compressed", the length in four bytes, and the message, whose fields are a tag, a length and the bytes, or a number.
 * Written by hand: a whole gRPC client would be a heavy dependency for two calls.
 */

const framePrefixBytes = 5
const wireVarint = 0
const wireBytes = 2

/** `etcdserverpb.PutRequest` in its frame. */
export function putRequest(key: string, value: Uint8Array): Buffer {
  return framed([bytesField(1, Buffer.from(key)), bytesField(2, value)])
}

/** `etcdserverpb.RangeRequest` for one key. Serializable: the member's own copy, which may be old. */
export function rangeRequest(key: string, { serializable }: { serializable: boolean }): Buffer {
  const fields = [bytesField(1, Buffer.from(key))]
  return framed(serializable ? [...fields, Buffer.of((7 << 3) | wireVarint, 1)] : fields)
}

/** The value of the only key in the frame of an `etcdserverpb.RangeResponse`, or undefined when there is none. */
export function valueInRange(frame: Uint8Array): Uint8Array | undefined {
  const keyValue = fieldOf(messageIn(frame), 2)
  return keyValue === undefined ? undefined : (fieldOf(keyValue, 5) ?? new Uint8Array(0))
}

function framed(fields: readonly Uint8Array[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 0)
  const prefix = Buffer.alloc(framePrefixBytes)
  prefix.writeUInt32BE(length, 1)
  return Buffer.concat([prefix, ...fields])
}

/** @throws {Error} for anything but one whole frame that is not compressed. */
function messageIn(frame: Uint8Array): Uint8Array {
  const { buffer, byteOffset, byteLength } = frame
  const view = new DataView(buffer, byteOffset, byteLength)
  const isWhole =
    byteLength >= framePrefixBytes && view.getUint32(1) === byteLength - framePrefixBytes
  if (!isWhole || view.getUint8(0) !== 0) throw new Error('etcd sent a frame that is not readable')
  return frame.subarray(framePrefixBytes)
}

function bytesField(number: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of((number << 3) | wireBytes, ...varint(bytes.length)), bytes])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return [...bytes, rest]
}

/** The first field of that number, if it is one of bytes; numbers are passed over. */
function fieldOf(message: Uint8Array, number: number): Uint8Array | undefined {
  let at = 0
  // Only the low 32 bits are right: lengths fit, and other numbers do not matter here.
  const readVarint = (): number => {
    let value = 0
    for (let shift = 0; at < message.length; shift += 7) {
      const byte = message[at++]!
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new Error('etcd sent a message that ends too early')
  }
  while (at < message.length) {
    const tag = readVarint()
    const length = readVarint()
    if ((tag & 7) === wireVarint) continue
    if ((tag & 7) !== wireBytes) throw new Error(`etcd sent a field of unknown type ${tag & 7}`)
    if (tag >>> 3 === number) return message.subarray(at, at + length)
    at += length
  }
  return undefined
}
