/** Faults in hints, handoff, membership and changes of the ring. */
import type { Mutant } from './mutant.ts'

export const upkeepMutants: readonly Mutant[] = [
  {
    name: 'hint-deleted-before-its-acknowledgement',
    hazard: 'C2',
    fault: 'a hint is forgotten when its record was sent, not when it was acknowledged',
    edits: [
      {
        file: 'upkeep/handoff.ts',
        find: "if (!(await this.#sender.send(ring, recipients, [{ partition, key, stored }]))) return 'refused'",
        replace: 'void this.#sender.send(ring, recipients, [{ partition, key, stored }])',
      },
    ],
  },
  {
    name: 'no-hint-after-the-acknowledgement',
    hazard: 'C1',
    fault: 'an owner that fails after the caller was answered gets no hint',
    edits: [
      {
        file: 'coordinator/put.ts',
        find: `if (owner === this.#node.selfId) return
    const { partition`,
        replace: `if (owner === this.#node.selfId || this.#settled) return
    const { partition`,
      },
    ],
  },
  {
    name: 'hints-forgotten-at-restart',
    hazard: 'C3',
    fault: 'the hints of an earlier run are not read',
    edits: [
      {
        file: 'node/create-node.ts',
        find: '  await core.hints.load()\n',
        replace: '',
      },
    ],
  },
  {
    name: 'hint-over-quota-dropped',
    hazard: 'C5',
    fault: 'what does not fit into the quota of hints is forgotten, the partition is not marked',
    edits: [
      {
        file: 'replica/hint-store.ts',
        find: 'return [...this.remove(hint), ...this.markDirty({ target, partition })]',
        replace: 'return this.remove(hint)',
      },
    ],
  },
  {
    name: 'newcomer-not-filled',
    hazard: 'F3',
    fault: 'what new owners need is not marked when the ring changes',
    edits: [
      {
        file: 'upkeep/gain-marks.ts',
        find: 'await this.#markGained(whole)',
        replace: 'if (marked.epoch < 0) await this.#markGained(whole)',
      },
    ],
  },
  {
    name: 'stale-incarnation-believed',
    hazard: 'E2',
    fault: 'of two claims about a member the worse one wins, whatever their incarnations',
    edits: [
      {
        file: 'membership/claim.ts',
        find: 'if (a.incarnation !== b.incarnation) return a.incarnation > b.incarnation\n  if (a.status',
        replace: 'if (a.status',
      },
    ],
  },
  {
    name: 'accusation-not-refuted',
    hazard: 'E1',
    fault: 'a member that is held to be dead does not object',
    edits: [
      {
        file: 'membership/own-claim.ts',
        find: "if (!isRival && !supersedes(claim, own)) return { kind: 'stale' }",
        replace: "if (!isRival || !supersedes(claim, own)) return { kind: 'stale' }",
      },
    ],
  },
  {
    name: 'accusations-of-the-dead-believed',
    hazard: 'E12',
    fault: 'a member that is held to be dead, as one that only sends, accuses others with success',
    edits: [
      {
        file: 'membership/beliefs.ts',
        find: "return status !== 'dead' && status !== 'left'",
        replace: "return status !== 'left' || id === ''",
      },
    ],
  },
  {
    name: 'no-full-exchange',
    hazard: 'E5',
    fault: 'members never exchange all they know, so that healed halves do not meet',
    edits: [
      {
        file: 'membership/membership.ts',
        find: 'if (now >= this.#exchangeAt) this.#exchange(now)',
        replace:
          'if (now >= this.#exchangeAt) this.#exchangeAt = now + this.#options.exchangeIntervalMs',
      },
    ],
  },
  {
    name: 'configuration-by-one-vote',
    hazard: 'I1',
    fault: 'one member alone decides about the next ring configuration',
    edits: [
      {
        file: 'ring/register/proposal.ts',
        find: 'Math.floor(this.#voters.size / 2) + 1',
        replace: 'Math.min(1, this.#voters.size)',
      },
    ],
  },
  {
    name: 'tree-not-updated',
    hazard: 'G1',
    fault: 'a write does not mark its partition as changed: hash trees stay what they were',
    edits: [
      {
        file: 'replica/revisions.ts',
        find: '    this.#counts[partition]! += 1\n',
        replace: '',
      },
    ],
  },
]
