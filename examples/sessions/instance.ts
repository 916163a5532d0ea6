/** One instance of the service: an HTTP server and, in the same process, a node of the store of its sessions. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createNode } from 'coterie'
import { SessionStore } from './session-store.ts'

const [id = 'one', ...seeds] = process.argv.slice(2)
const node = await createNode({ id, seeds })
const sessions = new SessionStore(node)

const server = createServer((request, response) => {
  answer(request, response).catch((error: Error) => reply(response, 500, { error: error.message }))
})
await once(server.listen(0, '127.0.0.1'), 'listening')
const { port } = server.address() as AddressInfo
process.send?.({ seed: node.address, url: `http://127.0.0.1:${port}` })
process.on('disconnect', () => process.exit())

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/login') {
    const started = await sessions.start(searchParams.get('user') ?? 'anonymous')
    response.setHeader('set-cookie', `sid=${started}; HttpOnly; SameSite=Lax`)
    return reply(response, 200, {})
  }
  const sid = /\bsid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  const session = sid === undefined ? undefined : await sessions.find(sid)
  if (sid === undefined || session === undefined) return reply(response, 401, {})
  if (pathname === '/add') await sessions.addItem(sid, searchParams.get('item') ?? '')
  if (pathname === '/logout') await sessions.end(sid)
  return reply(response, 200, session)
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-instance': id })
  response.end(JSON.stringify(body))
}
