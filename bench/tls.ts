/** A certificate for the nodes of a benchmark, made when it is needed: good for a day, known to nobody else. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TcpTlsOptions } from '../src/index.ts'

const certFile = 'tls.cert.pem'
const keyFile = 'tls.key.pem'

/** Makes one certificate with all the names, its own authority. @throws {Error} without the program `openssl`. */
export function makeCertificate(directory: string, names: readonly string[]): void {
  const altNames = names.map((name) => `DNS:${name}`).join(',')
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const about = ['-days', '1', '-subj', '/CN=bench', '-addext', `subjectAltName=${altNames}`]
  const files = ['-keyout', join(directory, keyFile), '-out', join(directory, certFile)]
  try {
    execFileSync('openssl', ['req', '-x509', ...algorithm, ...about, ...files], { stdio: 'pipe' })
  } catch (cause) {
    throw new Error('layouts with TLS need the program openssl, 1.1.1 or later', { cause })
  }
}

/** What `makeCertificate` has made, as the options of a transport: both ends show it and check it. */
export function readTls(directory: string): TcpTlsOptions {
  const cert = readFileSync(join(directory, certFile), 'utf8')
  return { cert, key: readFileSync(join(directory, keyFile), 'utf8'), ca: cert }
}
