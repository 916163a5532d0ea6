/** JSON as a value codec, made strict: what JSON would change silently is refused. */

import { CodecError } from '../base/errors.ts'
import type { ValueCodec } from '../ports/value-codec.ts'
import {
  accessor,
  dataProperty,
  nestingMax,
  oddProperties,
  refusal,
  tooDeep,
  unsupported,
  type ValuePath,
} from './plain-data.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Stores values as JSON text, for data that other programs read from the same bytes. It takes null,
 * booleans, strings, finite numbers but −0, dense arrays and plain objects, and refuses everything
 * that `JSON.stringify` would drop or change: undefined, NaN, −0, bigint, dates, maps, sets, bytes,
 * class instances. `toJSON` is never called.
 */
export function jsonCodec<V>(): ValueCodec<V> {
  return {
    name: 'json',
    encode(value) {
      checkValue(value, [], 0)
      return Buffer.from(JSON.stringify(value))
    },
    decode(bytes) {
      try {
        return JSON.parse(decoder.decode(bytes)) as V
      } catch (cause) {
        throw new CodecError('the stored bytes are no JSON text', cause)
      }
    },
  }
}

function checkValue(value: unknown, path: (string | number)[], depth: number): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') return checkNumber(value, path, depth)
  if (typeof value !== 'object') throw refusal(path, depth, notJson(value))
  if (depth >= nestingMax) throw refusal(path, depth, tooDeep)
  const keys = keysOf(value, path, depth)
  for (const key of keys) {
    path[depth] = Array.isArray(value) ? Number(key) : key
    const property = dataProperty(value, key)
    if (property === undefined) throw refusal(path, depth + 1, accessor)
    checkValue(property.value, path, depth + 1)
  }
}

function checkNumber(value: number, path: ValuePath, depth: number): void {
  if (Number.isFinite(value) && !Object.is(value, -0)) return
  const shown = Object.is(value, -0) ? '-0' : String(value)
  throw refusal(path, depth, `is ${shown}, which JSON has no form for; use null, or msgpackCodec()`)
}

function keysOf(value: object, path: ValuePath, depth: number): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(value)
  const plain = Array.isArray(value) ? Array.prototype : Object.prototype
  if (prototype !== plain) throw refusal(path, depth, notJson(value))
  const keys = Object.keys(value)
  const problem = oddProperties(value, keys)
  if (problem !== undefined) throw refusal(path, depth, problem)
  return keys
}

function notJson(value: unknown): string {
  if (typeof value === 'function' || typeof value === 'symbol') return unsupported(value)
  if (typeof value === 'undefined')
    return 'is undefined, which JSON drops; leave it out, use null, or msgpackCodec()'
  return `${unsupported(value)} (msgpackCodec() stores bigints, dates, maps, sets and bytes)`
}
