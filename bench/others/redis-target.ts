/**
 * Redis through ioredis. A put counts when a replica has it too: SET, and WAIT 1 on the same connection. WAIT holds
 * up all that comes after it on its connection, hence several forms.
 */
import { once } from 'node:events'
import { Redis, type ChainableCommander } from 'ioredis'
import type { FormName } from './forms.ts'
import type { Lane, Target } from './target.ts'

type Answer = Buffer | null

/** Replicas that have to acknowledge a write, beside the primary. */
const copies = 1
const waitMs = 2000

export async function connectRedis(
  port: number,
  { form, inFlight }: { readonly form: FormName; readonly inFlight: number },
): Promise<Target<Answer>> {
  const isEach = form === 'each'
  const clients = await connectAll(port, { count: isEach ? inFlight : 1, isPipelined: !isEach })
  const batches = new Batches(clients[0]!)
  const lanes = form === 'batched' ? [batches] : clients.map(isEach ? singleLane : pipelinedLane)
  return {
    lanes,
    preloader: batches,
    bytesOf: (bytes) => bytes,
    close: () => {
      for (const client of clients) client.disconnect()
      return Promise.resolve()
    },
  }
}

function connectAll(
  port: number,
  { count, isPipelined }: { readonly count: number; readonly isPipelined: boolean },
): Promise<Redis[]> {
  const connecting = Array.from({ length: count }, async () => {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      enableAutoPipelining: isPipelined,
      // A lost connection is an end of the measurement.
      retryStrategy: () => null,
    })
    await once(client, 'ready')
    client.on('error', () => {})
    return client
  })
  return Promise.all(connecting)
}

/** Many requests at once on a connection; ioredis sends what is asked in one turn as one pipeline. */
function pipelinedLane(client: Redis): Lane<Answer> {
  return {
    put: async (key, value) => {
      const stored = client.set(key, value)
      const [, replicas] = await Promise.all([stored, client.wait(copies, waitMs)])
      checkReplicas(replicas)
    },
    get: (key) => client.getBuffer(key),
  }
}

/** One request at a time on a connection. */
function singleLane(client: Redis): Lane<Answer> {
  return {
    put: (key, value) => execute(client.pipeline().set(key, value)),
    get: (key) => client.getBuffer(key),
  }
}

interface Batch {
  readonly pipeline: ChainableCommander
  readonly stored: Promise<void>
}

/** The puts of one turn share a pipeline and the WAIT at its end. */
class Batches implements Lane<Answer> {
  readonly #client: Redis
  #open: Batch | undefined

  constructor(client: Redis) {
    this.#client = client
  }

  put(key: string, value: Buffer): Promise<void> {
    const { pipeline, stored } = (this.#open ??= this.#begin())
    pipeline.set(key, value)
    return stored
  }

  get(key: string): Promise<Answer> {
    return this.#client.getBuffer(key)
  }

  #begin(): Batch {
    const pipeline = this.#client.pipeline()
    const stored = new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.#open = undefined
      return execute(pipeline)
    })
    return { pipeline, stored }
  }
}

/** Sends the pipeline with a WAIT at its end. */
async function execute(pipeline: ChainableCommander): Promise<void> {
  const answers = (await pipeline.wait(copies, waitMs).exec()) ?? []
  for (const [error] of answers) if (error !== null) throw error
  checkReplicas(answers.at(-1)?.[1])
}

function checkReplicas(answer: unknown): void {
  if (typeof answer === 'number' && answer >= copies) return
  const told = `WAIT ${copies} of Redis answered ${String(answer)} after ${waitMs} ms`
  throw new Error(`${told}: the write was not in two copies`)
}
