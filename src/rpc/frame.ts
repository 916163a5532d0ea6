/**
 * The frames that nodes exchange. The transport delivers whole frames; this file names their types, their common
 * head and their greatest lengths. docs/PROTOCOL.md has the byte pictures.
 *
 *     0      1       2            6         10           14
 *     ┌──────┬───────┬────────────┬─────────┬────────────┬──────┐
 *     │ type │ flags │ request id │  epoch  │ time left  │ body │    a request
 *     └──────┴───────┴────────────┴─────────┴────────────┴──────┘
 *     ┌──────┬───────┬────────────┬──────┐
 *     │ type │ flags │ request id │ body │                          an answer, a cast, a greeting
 *     └──────┴───────┴────────────┴──────┘
 *     ┌──────┬───────┬────────────┬─────────┬────────────┬──────┐
 *     │ type │   0   │   number   │ length  │   offset   │ some │    a piece of a longer frame
 *     └──────┴───────┴────────────┴─────────┴────────────┴──────┘
 */

/** The version spoken here. Nodes of other versions are refused in the handshake. */
export const protocolVersion = 1

/** The types of frames: their first byte. */
export const frameType = {
  hello: 1,
  welcome: 2,
  refused: 3,
  /** Requests. */
  put: 10,
  get: 11,
  call: 12,
  /** Many at once. */
  gets: 13,
  puts: 14,
  /** One way, no answer. */
  cast: 15,
  /** A request: a write that an owner is to coordinate. */
  forward: 16,
  /** Answers. */
  stored: 20,
  record: 21,
  absent: 22,
  result: 23,
  otherEpoch: 24,
  failed: 25,
  same: 26,
  /** To many at once. */
  answers: 27,
  /** Of whoever coordinated a write. */
  receipt: 28,
  /** A piece of a frame that is too long to be sent in one go. */
  piece: 30,
} as const

/** Bytes before the body of an answer, a cast or a greeting. */
export const answerHeadBytes = 6
/** Bytes before the body of a request. */
export const requestHeadBytes = 14

/** On `put`: owners for whom the receiver keeps a hint stand in the body. */
export const flagHinted = 1
/** On `put`, `get`, `puts` and `gets`: no client waits for it, and the receiver may put its own clients first. */
export const flagBackground = 2
/** On `stored`: the record survives what the storage of the replica survives (`os` or `fsync`). */
export const flagDurable = 1
/** On `absent`: what is stored under the key is damaged. */
export const flagDamaged = 1
/** On `absent`, `record` and `same`: the replica is still being filled and may lack what it should have. */
export const flagRecovering = 2
/** On `absent`, `record` and `same`: the replica gains the partition, and may lack what was written before. */
export const flagGaining = 4

const kib = 1024
const mib = 1024 * kib

/** Bytes of a piece before what it carries. */
export const pieceHeadBytes = 14
/** Most bytes of a frame in one piece. */
export const pieceBytesMax: number = 64 * kib
/** A frame with a longer body travels in pieces, and others pass between them. */
export const wholeBodyBytesMax: number = 128 * kib

const caps = new Map<number, number>([
  [frameType.hello, 4 * kib],
  [frameType.welcome, 4 * kib],
  [frameType.refused, 4 * kib],
  [frameType.put, 128 * mib],
  [frameType.get, 4 * kib],
  [frameType.call, 16 * mib],
  [frameType.gets, 128 * kib],
  [frameType.puts, 128 * mib],
  [frameType.cast, 16 * mib],
  [frameType.forward, 128 * mib],
  [frameType.stored, 64],
  [frameType.record, 128 * mib],
  [frameType.absent, 64],
  [frameType.result, 16 * mib],
  [frameType.otherEpoch, 16 * mib],
  [frameType.failed, 64 * kib],
  [frameType.same, 64],
  [frameType.answers, 384 * kib],
  [frameType.receipt, 16 * mib],
  [frameType.piece, pieceHeadBytes + pieceBytesMax],
])

/**
 * The longest frame of a type; 0 for types that do not exist. Records may be far longer than a client may write:
 * limits bind clients, and merging siblings must never fail for its size (HAZARDS K2).
 */
export function frameBytesMax(type: number): number {
  return caps.get(type) ?? 0
}

/** Whether the frame asks for an answer. */
export function isRequest(type: number): boolean {
  return (type >= frameType.put && type <= frameType.puts) || type === frameType.forward
}

/** Whether a frame of the type may come in pieces. */
export function mayComeInPieces(type: number): boolean {
  return isRequest(type) || isAnswer(type) || type === frameType.cast
}

/** Whether the frame answers a request. */
export function isAnswer(type: number): boolean {
  return type >= frameType.stored && type <= frameType.receipt
}
