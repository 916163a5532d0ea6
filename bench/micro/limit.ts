/** `--limit` of measurements that move data: `handoff.bytesPerSecondMax` of each sender, in MiB a second. */
import type { HandoffOptions } from '../../src/index.ts'

const mib = 2 ** 20

/**
 * The option that it stands for: nothing when it is not given, so that the library's default holds.
 * @throws {Error} for what is neither `none` nor a number.
 */
export function readLimit(text: string | undefined): Pick<HandoffOptions, 'bytesPerSecondMax'> {
  if (text === undefined) return {}
  if (text === 'none') return { bytesPerSecondMax: Number.MAX_SAFE_INTEGER }
  const perSecond = Number(text)
  if (!(perSecond > 0 && perSecond < Infinity))
    throw new Error(`--limit must be MiB a second, more than 0, or none, not ${text}`)
  return { bytesPerSecondMax: Math.max(1, Math.round(perSecond * mib)) }
}

/** In words. */
export function describeLimit({
  bytesPerSecondMax,
}: Pick<HandoffOptions, 'bytesPerSecondMax'>): string {
  if (bytesPerSecondMax === undefined) return "the library's default"
  if (bytesPerSecondMax === Number.MAX_SAFE_INTEGER) return 'none'
  return `${bytesPerSecondMax} B/s`
}
