/** One answer for the many keys of one request: it goes out when the last of them has its own. */
import type { ProtocolError } from '../base/errors.ts'
import { AnswersFrame } from '../rpc/batch-frame.ts'
import { requestId, type Frame } from '../rpc/frame-buffer.ts'

/** Where an answer goes. */
export interface Responder {
  send(frame: Frame): boolean
  /** Whether a record is too long to be one of many answers: then that is told, in its place. */
  putsOff?(id: number, recordBytes: number): boolean
  fail(error: ProtocolError): void
}

/** Takes the answer to each key as if it went out by itself; the number of the key stands for its request id. */
export class AnswersToMany implements Responder {
  readonly #to: Responder
  readonly #frame: AnswersFrame
  #expected = 0
  #isWhole = false

  constructor(to: Responder, id: number) {
    this.#to = to
    this.#frame = new AnswersFrame(id)
  }

  /** One answer more is to come. */
  expect(): void {
    this.#expected += 1
  }

  send(frame: Frame): boolean {
    this.#frame.add(requestId(frame.bytes, 0), frame)
    this.#added()
    return true
  }

  putsOff(index: number, recordBytes: number): boolean {
    if (this.#frame.hasRoom(recordBytes)) return false
    this.#frame.putOff(index)
    this.#added()
    return true
  }

  fail(error: ProtocolError): void {
    this.#to.fail(error)
  }

  /** All that are expected are known. */
  done(): void {
    this.#isWhole = true
    this.#sendIfWhole()
  }

  #added(): void {
    this.#expected -= 1
    this.#sendIfWhole()
  }

  #sendIfWhole(): void {
    if (this.#isWhole && this.#expected === 0) this.#to.send(this.#frame.done())
  }
}
