/** Values as texts: equal texts for values that a codec does not tell apart. */

const textCharsMax = 120
const headChars = 60

/**
 * Text of a value, like JSON with sorted names. Long ones are cut and end with their length and a
 * hash of 64 bits, so that a history of large values stays small.
 */
export function valueText(value: unknown): string {
  const text = textOf(value, [])
  if (text.length <= textCharsMax) return text
  return `${text.slice(0, headChars)}… (${text.length} characters, ${hash(text)})`
}

function textOf(value: unknown, above: readonly object[]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'object' || value === null)
    return Object.is(value, -0) ? '-0' : String(value)
  if (above.includes(value)) return '(itself)'
  const inner = (part: unknown): string => textOf(part, [...above, value])
  if (value instanceof Uint8Array) return `bytes(${Buffer.from(value).toString('hex')})`
  if (value instanceof Date) return `date(${value.getTime()})`
  if (value instanceof Set) return `set(${[...value].map(inner).join()})`
  if (value instanceof Map) {
    return `map(${[...value].map(([key, part]) => `${inner(key)}:${inner(part)}`).join()})`
  }
  if (Array.isArray(value)) return `[${value.map(inner).join()}]`
  const parts = Object.entries(value).filter(([, part]) => part !== undefined)
  const named = parts.map(([name, part]) => `${JSON.stringify(name)}:${inner(part)}`)
  return `{${named.sort().join()}}`
}

/** Two FNV-1a hashes of 32 bits with different starts. Keeps values apart, protects from nobody. */
function hash(text: string): string {
  let a = 0x811c9dc5
  let b = 0x9747b28c
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    a = Math.imul(a ^ char, 0x01000193)
    b = Math.imul(b ^ char, 0x5bd1e995)
    b ^= b >>> 15
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
