/**
 * The dot rule with one part switched off at a time. Each must lose or invent values in the histories that the rule
 * itself survives; otherwise those histories prove nothing about that part.
 */
import { writeU16 } from '../../src/base/bytes.ts'
import { decodeStored } from '../../src/replica/stored-record.ts'
import {
  vectorCounter,
  type Actor,
  type CausalContext,
  type Dot,
} from '../../src/versions/causal-context.ts'
import { DotSource } from '../../src/versions/dot-source.ts'
import { theRule, type Rule } from './dot-rule-world.ts'

/** Takes each actor of the node for one that it may count up, whichever incarnation minted it. */
class EverCurrentDots extends DotSource {
  override isCurrent(): boolean {
    return true
  }

  override isCurrentAt(): boolean {
    return true
  }
}

/** A version vector as in Dynamo: one entry for each node, counted up from what is known. */
class PlainClock extends EverCurrentDots {
  override freshActor(): Actor {
    return new DotSource(this.incarnation).freshActor()
  }

  override nextDot(_: Dot | undefined, known: CausalContext): Dot {
    const actor = this.freshActor()
    const beyond = known.isolated.filter((dot) => dot.actor === actor).map((dot) => dot.counter)
    return { actor, counter: Math.max(vectorCounter(known, actor), ...beyond) + 1 }
  }
}

/** Notes the last entry that the predicate accepts as this node's own, as if it had minted it just now. */
function note(stored: Buffer, isOwn: (actor: Actor) => boolean): void {
  const index = decodeStored(stored).context.vector.findLastIndex(({ actor }) => isOwn(actor))
  if (index >= 0) writeU16(stored, 2, index)
}

export const mutants: readonly Rule[] = [
  {
    ...theRule,
    name: 'rule 1 off: epochs are rolled back with the store',
    openUnclean: (_, { incarnation, nextEpoch }) => new DotSource(incarnation, nextEpoch),
  },
  {
    ...theRule,
    name: 'rule 1 off: epochs start over after a clean stop',
    openClean: ({ incarnation }) => new DotSource(incarnation),
  },
  {
    ...theRule,
    name: 'rule 1 off: a restored copy goes on as if nothing had happened since',
    outdated: () => {},
  },
  {
    ...theRule,
    name: 'rule 2 off: a key without a record starts with the first epoch again',
    dotsFor: (dots, held) => (held === undefined ? new DotSource(dots.incarnation) : dots),
  },
  {
    ...theRule,
    name: 'rule 3 off: the note is kept although others know more',
    afterMerge: (dots, stored) => note(stored, (actor) => dots.isCurrent(actor)),
  },
  {
    ...theRule,
    name: 'rule 4 off: notes of earlier incarnations count',
    open: (incarnation, nextEpoch) => new EverCurrentDots(incarnation, nextEpoch),
    openUnclean: (fresh) => new EverCurrentDots(fresh),
    openClean: ({ incarnation, nextEpoch }) => new EverCurrentDots(incarnation, nextEpoch),
  },
  {
    ...theRule,
    name: 'no rule: one actor for each node, counted up from what is known',
    open: (incarnation) => new PlainClock(incarnation),
    openUnclean: (_, { incarnation }) => new PlainClock(incarnation),
    openClean: ({ incarnation }) => new PlainClock(incarnation),
    outdated: () => {},
    dotsFor: (dots, held) => {
      if (held !== undefined) note(held, (actor) => dots.freshActor() === actor)
      return dots
    },
  },
]
