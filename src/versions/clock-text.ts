/** A causal context as text for people: equal for equal contexts, and readable again. */
import { toHex } from '../base/bytes.ts'
import type { CausalContext, Dot } from './causal-context.ts'

/** `<actor>:<counter>` for each entry of the vector, then `+<actor>:<counter>` for each isolated dot. */
export function clockText({ vector, isolated }: CausalContext): string {
  return [...vector.map(dotText), ...isolated.map((dot) => `+${dotText(dot)}`)].join(' ')
}

function dotText({ actor, counter }: Dot): string {
  return `${toHex(Buffer.from(actor, 'latin1'))}:${counter}`
}

/** The context of a text that `clockText` made. Total: undefined for any other. */
export function readClockText(text: string): CausalContext | undefined {
  const vector: Dot[] = []
  const isolated: Dot[] = []
  if (text === '') return { vector, isolated }
  for (const word of text.split(' ')) {
    const match = /^(\+?)([0-9a-f]{32}):([1-9]\d{0,9})$/.exec(word)
    if (match === null) return undefined
    const [, plus, hex = '', counter] = match
    const dot = { actor: Buffer.from(hex, 'hex').toString('latin1'), counter: Number(counter) }
    if (plus === '+') isolated.push(dot)
    else vector.push(dot)
  }
  return { vector, isolated }
}
