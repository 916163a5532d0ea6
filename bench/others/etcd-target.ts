/** etcd through gRPC: one HTTP/2 connection to the leader, shared by all requests in flight, as in its own clients. */
import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { connect, type ClientHttp2Session } from 'node:http2'
import { putRequest, rangeRequest, valueInRange } from './etcd-wire.ts'
import type { FormName } from './forms.ts'
import type { Lane, Target } from './target.ts'

/** Of the connection: many answers in flight fit. */
const windowBytes = 1 << 24

const putPath = '/etcdserverpb.KV/Put'
const rangePath = '/etcdserverpb.KV/Range'

export async function connectEtcd(port: number, form: FormName): Promise<Target<Buffer>> {
  const session = connect(`http://127.0.0.1:${port}`)
  await once(session, 'connect')
  session.setLocalWindowSize(windowBytes)
  // Each stream tells of it too.
  session.on('error', () => {})
  const serializable = form === 'serializable'
  const lane: Lane<Buffer> = {
    put: (key, value) => call(session, putPath, putRequest(key, value)),
    get: (key) => call(session, rangePath, rangeRequest(key, { serializable })),
  }
  return {
    lanes: [lane],
    preloader: lane,
    bytesOf: valueInRange,
    close: async () => {
      session.close()
      if (!session.destroyed) await once(session, 'close')
    },
  }
}

/** Makes one call and gives the frame of its answer. */
function call(session: ClientHttp2Session, path: string, frame: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const chunks: Buffer[] = []
    let status: string | undefined
    let message: string | undefined
    const listen = (headers: IncomingHttpHeaders): void => {
      status ??= headers['grpc-status']?.toString()
      message ??= headers['grpc-message']?.toString()
    }
    const settle = (): void => {
      if (status === '0') resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
      else reject(new Error(`${path} was answered with ${message ?? status ?? 'nothing'}`))
    }
    stream.on('response', listen)
    stream.on('trailers', listen)
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      if (status !== undefined) settle()
    })
    stream.on('close', settle)
    stream.on('error', reject)
    stream.end(frame)
  })
}
