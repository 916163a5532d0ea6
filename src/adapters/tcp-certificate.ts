/** The names that a TLS connection has proved the other end to have. */
import type { TLSSocket } from 'node:tls'

/**
 * The DNS and URI names and the common name in the other end's certificate, each once. Only for a socket whose
 * certificate has been verified.
 */
export function certificateNames(socket: TLSSocket): readonly string[] {
  const certificate = socket.getPeerCertificate()
  const common: unknown = certificate.subject?.CN
  const names = [
    ...alternativeNames(certificate.subjectaltname ?? ''),
    ...(Array.isArray(common) ? (common as readonly unknown[]) : [common]),
  ]
  return [...new Set(names.filter((name) => typeof name === 'string'))]
}

/**
 * The DNS and URI entries of Node's text form `DNS:a, URI:b, IP Address:c`. A name with a comma or another
 * character that could pass for a separator comes as a JSON string: cutting at commas would let a certificate for
 * one odd name prove another one (CVE-2021-44532).
 */
export function alternativeNames(text: string): readonly string[] {
  const entry = /(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?=, |$)/gy
  const names: string[] = []
  for (let match = entry.exec(text); match !== null; match = entry.exec(text)) {
    const [, kind, value = ''] = match
    if (kind !== 'DNS' && kind !== 'URI') continue
    const name: unknown = value.startsWith('"') ? parsed(value) : value
    if (typeof name === 'string') names.push(name)
  }
  return names
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
