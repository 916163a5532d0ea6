/** Faults in quorums, reads, repair and outcomes. */
import type { Mutant } from './mutant.ts'

export const coordinationMutants: readonly Mutant[] = [
  {
    name: 'w-not-counted',
    hazard: 'P1',
    fault: 'a write counts as done with its first acknowledgement',
    edits: [
      {
        file: 'quorum/write-tally.ts',
        find: "if (this.#sides.suffice(there, there)) return 'reached'",
        replace: "if (this.count >= 1) return 'reached'",
      },
      {
        file: 'coordinator/quick-put.ts',
        find: 'if (count >= request.needed && !this.isSettled) this.settle()',
        replace: 'if (count >= 1 && !this.isSettled) this.settle()',
      },
    ],
  },
  {
    name: 'r-not-counted',
    hazard: 'P4',
    fault: 'a read counts as done with its first answer',
    edits: [
      {
        file: 'quorum/read-tally.ts',
        find: "if (this.#sides.suffice(whole, whole | gaining)) return 'reached'",
        replace: "if (this.count >= 1) return 'reached'",
      },
      {
        file: 'coordinator/quick-get.ts',
        find: 'if (request.needed === 2 && !this.ask()) return false',
        replace: 'if (request.needed === 2 && request.partition < 0) return this.ask()',
      },
      {
        file: 'coordinator/quick-get.ts',
        find: 'if (request.needed === 2)\n      node.wheel.set',
        replace: 'if (request.partition < 0)\n      node.wheel.set',
      },
    ],
  },
  {
    name: 'fallback-counted-in-strict-write',
    hazard: 'D3',
    fault: 'a strict write asks members that stand in, and counts them',
    edits: [
      {
        file: 'quorum/write-tally.ts',
        find: 'return this.#sloppy ? this.#askedMask() : this.#primaries',
        replace: 'return this.#sloppy ? this.#askedMask() : this.#askedMask()',
      },
      {
        file: 'coordinator/put.ts',
        find: "if (!this.#request.sloppy || this.#isLate || this.#tally.outcome() === 'reached') return",
        replace: "if (this.#isLate || this.#tally.outcome() === 'reached') return",
      },
      {
        file: 'coordinator/put.ts',
        find: "if (!this.#request.sloppy || this.#isLate || this.#tally.outcome() !== 'lost') return",
        replace: "if (this.#isLate || this.#tally.outcome() !== 'lost') return",
      },
      {
        file: 'coordinator/availability.ts',
        find: 'if (count >= wanted.needed || !wanted.sloppy) return count',
        replace: 'if (count >= wanted.needed) return count',
      },
    ],
  },
  {
    name: 'fallback-counted-in-strict-read',
    hazard: 'D3',
    fault: 'a strict read asks members that stand in, and counts them',
    edits: [
      {
        file: 'quorum/read-tally.ts',
        find: 'return this.#sloppy ? this.#askedMask() : this.#primaries',
        replace: 'return this.#sloppy ? this.#askedMask() : this.#askedMask()',
      },
      {
        file: 'coordinator/get.ts',
        find: 'const { sloppy } = this.#request',
        replace: 'const { sloppy } = { sloppy: true }',
      },
      {
        file: 'coordinator/availability.ts',
        find: 'if (count >= wanted.needed || !wanted.sloppy) return count',
        replace: 'if (count >= wanted.needed) return count',
      },
    ],
  },
  {
    name: 'blocking-repair-does-not-block',
    hazard: 'D1',
    fault: 'a read in blocking mode returns before the result is on enough owners',
    edits: [
      {
        file: 'coordinator/repair-after-read.ts',
        find: "const isAwaited = request.readRepair !== 'async'",
        replace: "const isAwaited = request.readRepair === 'off'",
      },
    ],
  },
  {
    name: 'first-answer-wins',
    hazard: 'D2',
    fault: 'of differing answers the first is returned and spread, not their merge',
    edits: [
      {
        file: 'coordinator/divergence.ts',
        find: 'settled = settled === undefined ? set : sync(settled, set)',
        replace: 'settled = settled === undefined ? sync(set, set) : settled',
      },
    ],
  },
  {
    name: 'recovering-absence-counted',
    hazard: 'D4',
    fault: 'that a member lacks a key counts while it is still being filled',
    edits: [
      {
        file: 'coordinator/read-answers.ts',
        find: "return (flags & flagDamaged) !== 0 ? 'damaged' : (lackOf(flags) ?? 'absent')",
        replace: "return (flags & flagDamaged) !== 0 ? 'damaged' : 'absent'",
      },
      {
        file: 'coordinator/get.ts',
        find: "else this.#noteAbsent(replica, stored ?? lack ?? 'absent')",
        replace: "else this.#noteAbsent(replica, stored ?? 'absent')",
      },
    ],
  },
  {
    name: 'damage-read-as-absence',
    hazard: 'H3',
    fault: 'a damaged record counts as no record',
    edits: [
      {
        file: 'replica/handlers.ts',
        find: "const flags = lack | (stored === 'damaged' ? flagDamaged : 0)",
        replace: "const flags = lack | (stored === 'damaged' ? flagDamaged & 0 : 0)",
      },
      {
        file: 'coordinator/get.ts',
        find: "else this.#noteAbsent(replica, stored ?? lack ?? 'absent')",
        replace: "else this.#noteAbsent(replica, lack ?? 'absent')",
      },
    ],
  },
  {
    name: 'other-record-taken-for-the-same',
    hazard: 'D9',
    fault: 'a replica says that its record is the same whenever its clock has as many entries',
    edits: [
      {
        file: 'versions/record-layout.ts',
        find: 'if (bytes[start + i] !== other[otherStart + i]) return false',
        replace: 'if (bytes[start + i] !== other[otherStart + i] && i < 8) return false',
      },
    ],
  },
  {
    name: 'duplicate-coordinated-twice',
    hazard: 'A7',
    fault: 'a forwarded write that arrives twice is coordinated twice',
    edits: [
      {
        file: 'coordinator/forwarded-puts.ts',
        find: 'if (known !== undefined) return',
        replace: 'if (known !== undefined && writeId === "") return',
      },
    ],
  },
  {
    name: 'coordinated-again-after-silence',
    hazard: 'A7',
    fault: 'a forwarded write that was not answered is sent to the next owner',
    edits: [
      {
        file: 'coordinator/forward.ts',
        find: 'if (sent) return this.fail(this.unanswering(error))',
        replace: 'if (sent && this.owner < 0) return this.fail(this.unanswering(error))',
      },
    ],
  },
  {
    name: 'write-without-deadline',
    hazard: 'P14',
    fault: 'the deadline of a write is never set',
    edits: [
      {
        file: 'coordinator/put.ts',
        find: 'this.#node.wheel.set(this, this.#request.timeoutMs)',
        replace: 'if (this.#request.timeoutMs < 0) this.#node.wheel.set(this, 1)',
      },
      {
        file: 'coordinator/quick-put.ts',
        find: 'node.wheel.set(this, request.timeoutMs)',
        replace: 'if (request.timeoutMs < 0) node.wheel.set(this, 1)',
      },
    ],
  },
  {
    name: 'refused-write-acknowledged',
    hazard: 'P1',
    fault: 'a replica whose storage refuses a write acknowledges it',
    edits: [
      {
        file: 'replica/handlers.ts',
        find: `        () => acknowledge(to, id, store.isDurable),
        (error: unknown) => this.#refuse(to, id, error),`,
        replace: `        () => acknowledge(to, id, store.isDurable),
        () => acknowledge(to, id, store.isDurable),`,
      },
      {
        file: 'replica/handlers.ts',
        find: `      this.#refuse(to, id, error)
    }
  }

  #putProblem(`,
        replace: `      if (error instanceof StorageError) acknowledge(to, id, store.isDurable)
      else this.#refuse(to, id, error)
    }
  }

  #putProblem(`,
      },
    ],
  },
  {
    name: 'acknowledged-before-durable',
    hazard: 'C6',
    fault: 'a replica acknowledges a write that is not durable yet',
    edits: [
      {
        file: 'replica/handlers.ts',
        find: 'if (done === undefined) return acknowledge(to, id, store.isDurable)',
        replace: `if (done !== undefined) done.catch(() => undefined)
      if (id >= 0) return acknowledge(to, id, store.isDurable)
      if (done === undefined) return`,
      },
    ],
  },
  {
    name: 'read-before-durable',
    hazard: 'D1',
    fault: 'a read returns what is not durable yet, and a loss of power can take away again',
    edits: [
      {
        file: 'replica/replica-store.ts',
        find: 'if (unsynced !== undefined) return this',
        replace: 'if (unsynced !== undefined && partition < 0) return this',
      },
    ],
  },
  {
    name: 'own-copy-counted-before-durable',
    hazard: 'C6',
    fault: 'the coordinator counts its own copy before it is durable',
    edits: [
      {
        file: 'coordinator/put.ts',
        find: "if (durable === undefined) return this.#localEnded('stored')",
        replace: `durable?.catch(() => undefined)
    if (!this.#isLate) return this.#localEnded('stored')
    if (durable === undefined) return`,
      },
    ],
  },
  {
    name: 'old-epoch-accepted',
    hazard: 'F1',
    fault: 'a replica serves requests that were made under another ring configuration',
    edits: [
      {
        file: 'replica/handlers.ts',
        find: 'if (theirs === this.#options.ring().epoch) return true',
        replace: 'if (theirs >= 0) return true',
      },
      {
        file: 'replica/handlers.ts',
        find: 'if (hintFor.length === 0 && !ring.ownsPartition(this.#options.selfId, partition)) {',
        replace:
          'if (hintFor.length < 0 && !ring.ownsPartition(this.#options.selfId, partition)) {',
      },
    ],
  },
]
