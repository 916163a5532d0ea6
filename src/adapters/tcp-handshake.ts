/**
 * The first bytes of a TCP connection, before any frame. Both ends at once say what they are; with a shared secret
 * they then prove to each other that they hold it.
 *
 *     hello   7 bytes "coterie", 1 byte mode: 1 without a secret, 2 with one;  mode 2: and a nonce of 32 bytes
 *     proof   mode 2 only: 32 bytes
 *             HMAC-SHA256(secret, role of the sender, nonce of the connector, nonce of the acceptor)
 *
 *     connector   hello ──▶   ◀── hello   acceptor
 *                 proof ──▶                          checks it, and only then
 *                             ◀── proof
 *
 * The acceptor proves itself last: so a stranger gets no MAC to try guesses on, and the connector knows when it is done
 * that it has been accepted.
 * The role in the MAC keeps an end from being answered with its own proof. All sizes are fixed, so a peer cannot
 * make this end buffer more than 72 bytes. The secret authenticates the two ends when they meet; it neither
 * encrypts the frames nor protects them from someone who can change them on the way: that is what TLS is for.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { ProtocolError } from '../base/errors.ts'

/** Who opened the connection, and who accepted it. */
export type HandshakeRole = 'connector' | 'acceptor'

const MAGIC = Buffer.from('coterie', 'latin1')
const MODE_PLAIN = 1
const MODE_SECRET = 2
const HELLO_BYTES = MAGIC.length + 1
const PROOF_BYTES = 32

/** Bytes of the random challenge that each end sends. */
export const NONCE_BYTES = 32

/** What one end brings to the handshake. */
export interface HandshakeOptions {
  readonly role: HandshakeRole
  /** The secrets that are accepted; the first makes the proof. Empty: no secret. */
  readonly secrets: readonly Uint8Array[]
  /** Fresh random bytes, `NONCE_BYTES` of them. */
  readonly nonce: Uint8Array
}

/** What the driver has to do after some bytes arrived. */
export interface HandshakeStep {
  /** How many bytes belonged to the handshake. Less than given only when it is done: frames follow. */
  readonly consumed: number
  /** To be sent to the other end. */
  readonly reply?: Uint8Array
  /** `failed` and `done` are final. */
  readonly outcome: 'pending' | 'done' | 'failed'
  /** Why it failed, with the remedy. */
  readonly error?: ProtocolError
}

/** Pure but for the MAC: bytes go in, bytes and an outcome come out. */
export class Handshake {
  readonly #options: HandshakeOptions
  /** Hello, nonce and proof of the other end, as far as they have arrived. */
  readonly #received: Buffer = Buffer.alloc(HELLO_BYTES + NONCE_BYTES + PROOF_BYTES)
  #have = 0

  constructor(options: HandshakeOptions) {
    this.#options = options
  }

  /** What this end sends first, without waiting for the other. */
  hello(): Uint8Array {
    const nonce = this.#usesSecret ? this.#options.nonce : new Uint8Array(0)
    return Buffer.concat([MAGIC, [this.#usesSecret ? MODE_SECRET : MODE_PLAIN], nonce].map(bytesOf))
  }

  /** Takes `bytes[start, end)`. Not to be called any more after a final outcome. */
  receive(bytes: Uint8Array, start: number, end: number): HandshakeStep {
    const nonceEnd = HELLO_BYTES + NONCE_BYTES
    let at = this.#take(bytes, start, end, HELLO_BYTES)
    const error = this.#helloError()
    if (error !== undefined) return { consumed: at - start, outcome: 'failed', error }
    if (this.#have < HELLO_BYTES) return { consumed: at - start, outcome: 'pending' }
    if (!this.#usesSecret) return { consumed: at - start, outcome: 'done' }

    const hadNonce = this.#have >= nonceEnd
    at = this.#take(bytes, at, end, nonceEnd)
    const isMyTurn = !hadNonce && this.#have === nonceEnd && this.#options.role === 'connector'
    const reply = isMyTurn ? { reply: this.#ownProof() } : {}
    at = this.#take(bytes, at, end, this.#received.length)
    const consumed = at - start
    if (this.#have < this.#received.length) return { consumed, ...reply, outcome: 'pending' }
    return { consumed, ...reply, ...this.#judgeProof() }
  }

  #judgeProof(): Pick<HandshakeStep, 'outcome' | 'reply' | 'error'> {
    if (this.#isProved()) {
      return this.#options.role === 'acceptor'
        ? { outcome: 'done', reply: this.#ownProof() }
        : { outcome: 'done' }
    }
    const error = new ProtocolError(
      'the other end holds another secret: give both the same tcpTransport.secret, while it is being changed ' +
        'the old and the new one',
    )
    return { outcome: 'failed', error }
  }

  get #usesSecret(): boolean {
    return this.#options.secrets.length > 0
  }

  /** Copies until `until` bytes have been received in all. Returns the position after what it took. */
  #take(bytes: Uint8Array, start: number, end: number, until: number): number {
    const to = Math.min(end, start + Math.max(0, until - this.#have))
    this.#received.set(bytes.subarray(start, to), this.#have)
    this.#have += to - start
    return to
  }

  /** Judges the hello as far as it has arrived, so that a stranger who says little is told at once. */
  #helloError(): ProtocolError | undefined {
    const seen = Math.min(this.#have, MAGIC.length)
    if (this.#received.compare(MAGIC, 0, seen, 0, seen) !== 0) {
      return new ProtocolError(
        'the other end does not speak the protocol of coterie: is the address right, and is tcpTransport.tls ' +
          'set on both ends or on neither?',
      )
    }
    if (this.#have < HELLO_BYTES) return undefined
    const mode = this.#received[MAGIC.length]
    if (mode === (this.#usesSecret ? MODE_SECRET : MODE_PLAIN)) return undefined
    if (mode === MODE_PLAIN) {
      return new ProtocolError('the other end has no secret: give it the same tcpTransport.secret')
    }
    if (mode === MODE_SECRET) {
      return new ProtocolError(
        'the other end asks for a secret: set the same tcpTransport.secret here',
      )
    }
    return new ProtocolError(`the other end speaks another version of the protocol (mode ${mode})`)
  }

  #ownProof(): Uint8Array {
    return this.#proof(this.#options.secrets[0]!, this.#options.role)
  }

  /** Compares in constant time, and with every secret, so that time does not tell which one fitted. */
  #isProved(): boolean {
    const other = this.#options.role === 'connector' ? 'acceptor' : 'connector'
    const given = this.#received.subarray(HELLO_BYTES + NONCE_BYTES)
    let fitting = 0
    for (const secret of this.#options.secrets) {
      if (timingSafeEqual(this.#proof(secret, other), given)) fitting++
    }
    return fitting > 0
  }

  #proof(secret: Uint8Array, role: HandshakeRole): Uint8Array {
    const otherNonce = this.#received.subarray(HELLO_BYTES, HELLO_BYTES + NONCE_BYTES)
    const isConnector = this.#options.role === 'connector'
    return createHmac('sha256', secret)
      .update(`coterie tcp 1 ${role}`)
      .update(isConnector ? this.#options.nonce : otherNonce)
      .update(isConnector ? otherNonce : this.#options.nonce)
      .digest()
  }
}

function bytesOf(part: Uint8Array | readonly number[]): Uint8Array {
  return part instanceof Uint8Array ? part : Uint8Array.from(part)
}
