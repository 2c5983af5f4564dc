// @ts-check
// Mistakes that the properties of test/property/ must find (or the named tests), each a small patch of production
// code. Owns the list. A mutant whose effect no user could see, or that only makes things slower, does not belong
// here.

import { ofForeigners } from './foreign.mjs'
import { ofCron, ofLeaders, ofWork } from './leaders.mjs'

/** @typedef {'etcd' | 'etcd-delay' | 'consul' | 'memory' | 'election' | 'cron' | 'streams'} Store the tests of a store, or those of a kind */

/**
 * @typedef {object} Mutant
 * @property {string} name what went wrong in the programmer's head
 * @property {string} file
 * @property {string} find occurs exactly once in the file
 * @property {string} put
 * @property {readonly Store[]} stores where it shows
 * @property {readonly string[]} [tests] files of test/ that find it, for what no property is likely to meet
 * @property {import('../../test/property/invariants.ts').Invariant | 'conformance'} by the invariant that it breaks, or
 *   `conformance` if the suite for backends must find it
 */

const etcd = /** @type {const} */ (['etcd'])
const delayed = /** @type {const} */ (['etcd-delay'])
const consul = /** @type {const} */ (['consul'])
const memory = /** @type {const} */ (['memory'])
const streams = /** @type {const} */ (['streams'])

const belief = /** @type {const} */ ('true-belief')
const told = /** @type {const} */ ('loss-told-once')
const healthy = /** @type {const} */ ('no-needless-loss')
const goesOn = /** @type {const} */ ('progress')
const prompt = /** @type {const} */ ('no-idle-lock')
const order = /** @type {const} */ ('no-overtaking')
const givenUp = /** @type {const} */ ('prompt-giving-up')
const clean = /** @type {const} */ ('nothing-left')
const text = /** @type {const} */ ('fresh-checkpoint')
const own = /** @type {const} */ ('own-answer')
const inOrder = /** @type {const} */ ('ordered-events')

/** @type {readonly Mutant[]} */
const session = [
  {
    name: 'renewed-from-the-answer',
    file: 'src/core/session.ts',
    find: 'this.#sent = sent\n      this.#failures = 0',
    put: 'this.#sent = this.#clock.mark()\n      this.#failures = 0',
    stores: etcd,
    by: belief,
  },
  {
    name: 'opened-from-the-answer',
    file: 'src/core/sessions.ts',
    find: 'return new Session(this.#backend, this.#clock, grant, sent, this.#closing)',
    put: 'return new Session(this.#backend, this.#clock, grant, this.#clock.mark(), this.#closing)',
    stores: etcd,
    by: belief,
  },
  {
    name: 'no-margin',
    file: 'src/core/lifetime.ts',
    find: 'return Math.max(250, coveredMs / 10)',
    put: 'return 0 * coveredMs',
    stores: etcd,
    by: belief,
  },
  {
    name: 'wall-clock-only',
    file: 'src/base/clock.ts',
    find: 'return Math.max(\n    now.monotonicMs - since.monotonicMs,\n    now.wallMs - since.wallMs,\n    now.uptimeMs - since.uptimeMs,\n  )',
    put: 'return now.wallMs - since.wallMs',
    stores: etcd,
    by: belief,
  },
  {
    name: 'monotonic-clock-only',
    file: 'src/base/clock.ts',
    find: 'return Math.max(\n    now.monotonicMs - since.monotonicMs,\n    now.wallMs - since.wallMs,\n    now.uptimeMs - since.uptimeMs,\n  )',
    put: 'return now.monotonicMs - since.monotonicMs',
    stores: etcd,
    by: belief,
  },
  {
    name: 'held-only-flips-by-timer',
    file: 'src/core/session.ts',
    find: 'const leftMs = this.#lifeLeftMs()\n',
    put: 'const leftMs = Math.max(1, this.#lifeLeftMs())\n',
    stores: etcd,
    by: belief,
  },
  {
    name: 'alarm-never-set',
    file: 'src/core/session.ts',
    find: 'this.#setAlarm()\n    this.#keepRenewing()',
    put: 'this.#keepRenewing()',
    stores: etcd,
    by: told,
  },
  {
    name: 'renews-too-late',
    file: 'src/core/lifetime.ts',
    find: 'return Math.min(ttlMs, coveredMs(ttlMs, facts)) / 3',
    put: 'return Math.min(ttlMs, coveredMs(ttlMs, facts)) * 0.98',
    stores: memory,
    by: healthy,
  },
  {
    name: 'never-renews',
    file: 'src/core/session.ts',
    find: 'this.#keepRenewing().catch(() => {}) // it rejects only when it was stopped',
    put: '',
    stores: etcd,
    by: healthy,
  },
  {
    name: 'unanswered-renewal-counts',
    file: 'src/core/session.ts',
    find: 'this.#failure = error\n',
    put: 'this.#failure = error\n      this.#sent = sent\n',
    stores: etcd,
    by: belief,
  },
  {
    name: 'lost-session-kept',
    file: 'src/core/sessions.ts',
    find: 'const { live } = this\n',
    put: 'const live = this.#session\n',
    stores: etcd,
    by: goesOn,
  },
]

/** @type {readonly Mutant[]} */
const hold = [
  {
    name: 'loss-not-told',
    file: 'src/core/hold.ts',
    find: '    this.stop(lost)\n',
    put: '',
    stores: etcd,
    by: told,
  },
  {
    name: 'loss-told-after-release',
    file: 'src/core/hold.ts',
    find: '    this.#unsubscribe()\n    this.#cancelWatch()\n    this.#watching?.end(this.#lost)\n    return this.#grant.withdraw(this)\n  }\n\n  #lose(lost: Error): void {\n    if (this.#released) return\n    this.#lost = lost\n    this.#released = this.#end()',
    put: '    this.#cancelWatch()\n    this.#watching?.end(this.#lost)\n    return this.#grant.withdraw(this)\n  }\n\n  #lose(lost: Error): void {\n    this.#lost = lost\n    this.#released ??= this.#end()',
    stores: etcd,
    by: told,
  },
  {
    name: 'held-after-release',
    file: 'src/core/hold.ts',
    find: '    if (this.#released) return 0\n',
    put: '',
    stores: etcd,
    by: belief,
  },
  {
    name: 'nobody-looks-after-the-claim',
    file: 'src/core/hold.ts',
    find: '    watchClaim(this.#grant, this.#watching, () => this.#lose(this.#removed()))\n',
    put: '',
    stores: etcd,
    by: belief,
  },
  {
    name: 'watch-believed-without-verify',
    file: 'src/core/watch.ts',
    find: '  await verify(watched, scope, vanished)\n  return woken\n',
    put: '  return woken\n',
    stores: etcd,
    by: belief,
  },
]

/** @type {readonly Mutant[]} */
const acquire = [
  {
    name: 'claim-outlives-its-session',
    file: 'src/core/acquire.ts',
    find: "      if (session.over) return 'session over'\n      scope.throwIfEnded()\n",
    put: '',
    stores: etcd,
    by: belief,
  },
  {
    name: 'abort-does-not-withdraw',
    file: 'src/core/acquire.ts',
    find: '    const withdrawn = this.#withdrawAside(stand)\n',
    put: '    stand.leave()\n    const withdrawn = undefined\n',
    stores: etcd,
    by: prompt,
  },
  {
    name: 'abort-waits-for-the-store',
    file: 'src/core/acquire.ts',
    find: 'if (error instanceof ConflictError) await withdrawn',
    put: 'await withdrawn',
    stores: etcd,
    by: givenUp,
  },
  {
    name: 'wait-has-no-end',
    file: 'src/core/acquire.ts',
    find: '      .onTimeout(this.#clock, limitMs(wish, this.#backend, this.#sessions.coveredMs), () => timeout)\n',
    put: '',
    stores: etcd,
    by: givenUp,
  },
  {
    name: 'late-admission-believed',
    file: 'src/core/admission.ts',
    find: 'if (!answer.held || (isRecent && claimsLost === question.claimsLost)) return answer',
    put: 'return answer',
    stores: consul,
    by: belief,
  },
  {
    name: 'admission-younger-than-its-question',
    file: 'src/core/admission.ts',
    find: 'return backend.attempt(claim, signal).catch((error) => {',
    put: 'return backend.attempt(claim, signal).finally(() => {\n        this.sent = request.clock.mark()\n      }).catch((error) => {',
    stores: consul,
    by: belief,
  },
  {
    name: 'withdraw-not-repeated',
    file: 'src/core/acquire.ts',
    find: 'const request = { ...session.requests, retries: Infinity }\n      await persist(request, (signal) => this.#backend.withdraw(claim, signal))\n    } catch (error) {\n',
    put: 'const request = { ...session.requests, retries: 0 }\n      await persist(request, (signal) => this.#backend.withdraw(claim, signal))\n    } catch (error) {\n      return\n',
    stores: etcd,
    by: goesOn,
  },
  {
    name: 'no-look-behind-the-watch',
    file: 'src/core/follow.ts',
    find: 'Promise.race([watched(), rest])',
    put: '(rest.catch(() => {}), watched())',
    stores: etcd,
    by: goesOn,
  },
  {
    name: 'deaf-after-long-waits',
    file: 'src/core/follow.ts',
    find: 'woken && leastElapsedMs(since, clock.mark()) < retryDefaults.mostMs',
    put: 'since !== undefined',
    stores: memory,
    by: prompt,
  },
  {
    name: 'local-turn-kept-after-an-error',
    file: 'src/core/acquire.ts',
    find: 'const withdrawal = this.#withdraw(stand)',
    put: 'const withdrawal = this.#withdraw({ ...stand, leave: () => {} })',
    stores: memory,
    by: goesOn,
  },
  {
    name: 'local-turn-passed-on-too-early',
    file: 'src/core/acquire.ts',
    find: 'return this.closing.withdrawals.note(this.#withdraw(stand))',
    put: 'stand.leave()\n        return this.closing.withdrawals.note(this.#withdraw(stand))',
    stores: etcd,
    by: belief,
  },
  {
    name: 'withdrawn-turn-passed-on-too-early',
    file: 'src/core/acquire.ts',
    find: 'const withdrawal = this.#withdraw(stand)',
    put: 'stand.leave()\n    const withdrawal = this.#withdraw(stand)',
    stores: etcd,
    by: belief,
  },
  {
    name: 'close-releases-nothing',
    file: 'src/core/closing.ts',
    find: 'Promise.allSettled([...this.#holds].map((hold) => hold.release()))',
    put: 'Promise.resolve()',
    stores: etcd,
    by: told,
  },
  {
    name: 'close-leaves-pending-claims',
    file: 'src/core/closing.ts',
    find: 'Promise.all([released, givenBack, withdrawn])',
    put: '(void withdrawn, Promise.all([released, givenBack]))',
    stores: consul,
    by: clean,
  },
  {
    name: 'listener-left-on-signal',
    file: 'src/base/scope.ts',
    find: "    this.#lifts.push(() => signal.removeEventListener('abort', pass))\n",
    put: '',
    stores: memory,
    by: clean,
  },
  {
    name: 'one-too-many-in-the-local-line',
    file: 'src/core/local-queue.ts',
    find: 'if (line.inside < permits)',
    put: 'if (line.inside <= permits)',
    stores: etcd,
    by: belief,
  },
  {
    name: 'turn-given-to-who-gave-up',
    file: 'src/core/local-queue.ts',
    find: '      line.waiting.delete(waiter)\n      reject(reason)',
    put: '      reject(reason)',
    stores: memory,
    by: goesOn,
  },
]

/** @type {readonly Mutant[]} */
const onEtcd = [
  {
    name: 'etcd-renewal-not-confirmed',
    file: 'src/backends/etcd/backend.ts',
    find: 'this.#delay.confirm(session, signal),',
    put: '',
    stores: delayed,
    by: belief,
  },
  {
    name: 'etcd-dead-not-counted',
    file: 'src/backends/etcd/line.ts',
    find: 'ahead.length + dead.length < permits : undefined',
    put: 'true : undefined',
    stores: delayed,
    by: belief,
  },
  {
    name: 'etcd-lock-delay-ends-at-once',
    file: 'src/backends/etcd/lock-delay.ts',
    find: "[put(key, '', lease)]",
    put: '[remove(key)]',
    stores: delayed,
    by: belief,
  },
  {
    name: 'etcd-event-proves-beside-lock-delay',
    file: 'src/backends/etcd/claims.ts',
    find: 'proven: this.#delay.ms === 0',
    put: 'proven: true',
    stores: delayed,
    tests: ['core/etcd-lock-delay'],
    by: belief,
  },
  {
    name: 'etcd-try-overlooks-lock-delay',
    file: 'src/backends/etcd/claims.ts',
    find: ', ...this.#delay.none(claim, since)]',
    put: ']',
    stores: delayed,
    by: belief,
  },
  {
    name: 'etcd-no-tombstone-written',
    file: 'src/backends/etcd/claims.ts',
    find: "const bury = [put(tombstone, '', lease), ...gone]",
    put: 'const bury = [...gone]',
    stores: etcd,
    by: goesOn,
  },
  {
    name: 'etcd-no-tombstone-checked',
    file: 'src/backends/etcd/claims.ts',
    find: 'const free = [absent(key), absent(keys.tombstone)]\n',
    put: 'const free = [absent(key)]\n',
    stores: etcd,
    by: goesOn,
  },
  {
    name: 'etcd-unanswered-forgotten',
    file: 'src/backends/etcd/claims.ts',
    find: 'state.unanswered = true',
    put: 'state.unanswered = before',
    stores: etcd,
    by: goesOn,
  },
  {
    name: 'etcd-delete-unguarded',
    file: 'src/backends/etcd/claims.ts',
    find: 'txn([createdAt(key, created)], gone)',
    put: 'txn([], gone)',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-try-does-not-look',
    file: 'src/backends/etcd/claims.ts',
    find: '[noneSince(range, since), absent(key), ',
    put: '[absent(key), ',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-two-holders-one-token',
    file: 'src/backends/etcd/claims.ts',
    find: 'permits === 1 && !candidate ? revision : (state.created as bigint)',
    put: 'revision',
    stores: etcd,
    by: 'growing-tokens',
  },
  {
    name: 'etcd-removed-claim-admitted',
    file: 'src/backends/etcd/waits.ts',
    find: 'relevant.every((deletion) => deletion.key !== key)',
    put: 'true',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-watch-gap-trusted',
    file: 'src/backends/etcd/waits.ts',
    find: 'gapless = revision <= line.revision || (await allStand(ahead, reread))',
    put: 'gapless = revision >= 0n',
    stores: etcd,
    by: prompt,
  },
  {
    name: 'etcd-old-deletions-counted',
    file: 'src/backends/etcd/waits.ts',
    find: 'deletions.filter((deletion) => deletion.revision > line.revision)',
    put: '[...deletions]',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-predecessor-gone-so-mine',
    file: 'src/backends/etcd/waits.ts',
    find: '        const proves = proven && gapless && watch.proves && relevant.every((deletion) => deletion.key !== key)\n        const last = relevant.at(-1)\n        if (!last || (proves && ahead.size >= permits)) return',
    put: '        const proves = gapless && ahead.size >= permits - permits\n        const last = relevant.at(-1)\n        if (!last) return',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-one-too-many',
    file: 'src/backends/etcd/line.ts',
    find: 'if (ahead.length >= permits) return false',
    put: 'if (ahead.length > permits) return false',
    stores: etcd,
    by: belief,
  },
  {
    name: 'etcd-wrong-predecessor',
    file: 'src/backends/etcd/line.ts',
    find: 'const predecessor = ahead[0]?.key ?? own.key',
    put: 'const predecessor = ahead[1]?.key ?? own.key',
    stores: etcd,
    by: prompt,
  },
  {
    name: 'etcd-checkpoint-unfenced',
    file: 'src/backends/etcd/fenced.ts',
    find: 'txn(stands, operations, [get(key)])',
    put: 'txn(stands.slice(2), operations.slice(0, 1), [get(key)])',
    stores: etcd,
    by: text,
  },
  {
    name: 'etcd-late-checkpoint-replaces',
    file: 'src/backends/etcd/fenced.ts',
    find: 'const stands = [createdAt(key, created), versionIs(key, version)]',
    put: 'const stands = [createdAt(key, created)]',
    stores: etcd,
    by: text,
  },
  {
    name: 'etcd-refused-write-taken-for-ones-own',
    file: 'src/backends/etcd/fenced.ts',
    find: "    throw new UnavailableError('another write of this hold came first; ask again')\n",
    put: '    return true\n',
    stores: [],
    tests: ['core/fenced'],
    by: text,
  },
  {
    name: 'etcd-renewal-given-up-keeps-its-stream',
    file: 'src/backends/etcd/wire/streams.ts',
    find: '    } catch (error) {\n      this.close()\n      throw error\n',
    put: '    } catch (error) {\n      throw error\n',
    stores: streams,
    by: own,
  },
  {
    name: 'etcd-renewed-by-an-answer-for-another-lease',
    file: 'src/backends/etcd/wire/streams.ts',
    find: '    const answer = this.#waiting.get(response.ID)\n    this.#waiting.delete(response.ID)\n',
    put: '    const [lease = "", answer] = [...this.#waiting][0] ?? []\n    this.#waiting.delete(lease)\n',
    stores: streams,
    by: own,
  },
  {
    name: 'etcd-watch-tells-events-twice',
    file: 'src/backends/etcd/wire/watches.ts',
    find: ' || (index === 0 && revision === watch.revision)',
    put: ' || index < 0',
    stores: streams,
    by: inOrder,
  },
  {
    name: 'etcd-watch-outlives-its-stream',
    file: 'src/backends/etcd/wire/watches.ts',
    find: '        if (this.#stream === opened) this.reset()\n',
    put: '        if (this.#stream === opened) this.#stream = undefined\n',
    stores: streams,
    by: inOrder,
  },
  {
    name: 'etcd-request-given-up-stays-under-way',
    file: 'src/backends/etcd/wire/client.ts',
    find: '      if (signal.aborted) cancel()\n',
    put: '',
    stores: streams,
    by: clean,
  },
  {
    name: 'etcd-answer-cut-short-is-a-refusal',
    file: 'src/backends/etcd/wire/failures.ts',
    find: 'isRecoverableError(error) || brokenOff.test(error.message)',
    put: 'isRecoverableError(error)',
    stores: streams,
    by: own,
  },
]

/** @type {readonly Mutant[]} */
const onConsul = [
  {
    name: 'consul-no-tombstone-written',
    file: 'src/backends/consul/claims.ts',
    find: "      { verb: 'lock', key: keys.tombstone, value: '', session: claim.session },\n",
    put: '',
    stores: consul,
    by: goesOn,
  },
  {
    name: 'consul-no-tombstone-checked',
    file: 'src/backends/consul/claims.ts',
    find: "{ verb: 'check-not-exists', key: keys.tombstone },\n",
    put: '\n',
    stores: consul,
    by: goesOn,
  },
  {
    name: 'consul-line-mark-kept-after-an-abort',
    file: 'src/backends/consul/claims.ts',
    find: '    if (buried.applied) await this.#tidy(keys, buried.entries, signal)\n',
    put: '',
    stores: consul,
    by: clean,
  },
  {
    name: 'consul-unanswered-forgotten',
    file: 'src/backends/consul/claims.ts',
    find: 'state.unanswered = true',
    put: 'state.unanswered = before',
    stores: consul,
    by: goesOn,
  },
  {
    name: 'consul-line-not-marked',
    file: 'src/backends/consul/claims.ts',
    find: "        { verb: 'set', key: keys.line, value: keys.ticket },\n",
    put: '',
    stores: consul,
    by: order,
  },
  {
    name: 'consul-ticket-kept',
    file: 'src/backends/consul/claims.ts',
    find: "state.ticket === undefined ? [] : [{ verb: 'delete', key: ticket }]",
    put: "state.ticket === undefined ? [] : [{ verb: 'delete', key: ticket }].slice(1) as Operation[]",
    stores: consul,
    by: prompt,
  },
  {
    name: 'consul-line-mark-kept',
    file: 'src/backends/consul/claims.ts',
    find: 'if (outcome.applied) await this.#tidy(state.keys, outcome.entries, signal)\n',
    put: '',
    stores: consul,
    by: clean,
  },
  {
    name: 'consul-release-unguarded',
    file: 'src/backends/consul/mutex.ts',
    find: "const lock: Operation = { verb: 'delete-cas', key: keys.lock, index: held.modified }",
    put: "const lock: Operation = { verb: 'delete', key: keys.lock }",
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-predecessor-unproven',
    file: 'src/backends/consul/mutex.ts',
    find: 'return [...stands, ...proven, ...made(state, lock)]',
    put: 'return [...stands, ...proven.slice(proven.length), ...made(state, lock)]',
    stores: consul,
    by: order,
  },
  {
    name: 'a-lost-race-counts-as-no-news',
    file: 'src/core/admission.ts',
    find: ' && before.behind === after.behind',
    put: '',
    stores: [],
    tests: ['core/news'],
    by: prompt,
  },
  {
    name: 'lost-session-destroyed-once',
    file: 'src/core/session.ts',
    find: 'const request = { ...this.requests, scope, retries: Infinity }',
    put: 'const request = { ...this.requests, scope, retries: 0 }',
    stores: [],
    tests: ['core/loss'],
    by: prompt,
  },
  {
    name: 'consul-lock-delay-spins',
    file: 'src/core/admission.ts',
    find: 'delayedMs * (0.5 + clock.random() / 2)',
    put: '0 * delayedMs',
    stores: consul,
    by: 'few-requests',
  },
  {
    name: 'consul-one-too-many',
    file: 'src/backends/consul/semaphore.ts',
    find: 'sight.alive.length >= state.claim.permits) {',
    put: 'sight.alive.length > state.claim.permits) {',
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-list-unguarded',
    file: 'src/backends/consul/holders.ts',
    find: 'write(keys.lock, list, list.index),',
    put: "{ verb: 'set', key: keys.lock, value: formatHolders(list), flags: semaphoreFlags },",
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-dead-holders-kept',
    file: 'src/backends/consul/semaphore.ts',
    find: 'for (let off = dead.slice(0, takenOffMax); ; ) {',
    put: 'for (let off = dead.slice(0, 0 * takenOffMax); ; ) {',
    stores: consul,
    by: goesOn,
  },
  {
    name: 'consul-dead-holders-taken-off-at-once',
    file: 'src/backends/consul/holders.ts',
    find: "    { verb: 'lock', key, value: '', session: claim.session },\n",
    put: "    { verb: 'set', key, value: claim.session },\n",
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-believes-for-its-time-to-live',
    file: 'src/core/lifetime.ts',
    find: 'return endsEarly ? lockDelayMs : ttlMs',
    put: 'return endsEarly && lockDelayMs > ttlMs ? lockDelayMs : ttlMs',
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-renewal-without-a-read-counts',
    file: 'src/backends/consul/permit-sessions.ts',
    find: 'this.#transport.renewSession(id, signal), this.#transport.confirmSession(id, signal)',
    put: 'this.#transport.renewSession(id, signal)',
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-extra-session-not-renewed',
    file: 'src/backends/consul/permit-sessions.ts',
    find: 'const extra = [...(this.#extras.get(session)?.sessions ?? [])]',
    put: 'const extra = [...(this.#extras.get(session)?.sessions ?? [])].slice(0, 0)',
    stores: consul,
    by: belief,
  },
  {
    name: 'consul-extra-session-left',
    file: 'src/backends/consul/permit-sessions.ts',
    find: '    if (slot !== session) await this.#transport.destroySession(slot, signal)\n',
    put: '',
    stores: consul,
    by: clean,
  },
  {
    name: 'consul-checkpoint-unfenced',
    file: 'src/backends/consul/fenced.ts',
    find: 'this.#transport.txn([stands, ...writes], signal)',
    put: 'this.#transport.txn([...writes], signal)',
    stores: consul,
    by: text,
  },
  {
    name: 'consul-refused-write-taken-for-ones-own',
    file: 'src/backends/consul/fenced.ts',
    find: "    throw new UnavailableError('another write of this hold came first; ask again')\n",
    put: '    return []\n',
    stores: [],
    tests: ['core/fenced'],
    by: text,
  },
]

/** @type {readonly Mutant[]} */
const inMemory = [
  {
    name: 'memory-one-too-many',
    file: 'src/backends/memory/backend.ts',
    find: 'return position >= 0 && position < permits',
    put: 'return position >= 0 && position <= permits',
    stores: memory,
    by: belief,
  },
  {
    name: 'memory-renewal-does-not-count',
    file: 'src/backends/memory/store.ts',
    find: '    session.cancelExpiry()\n',
    put: '',
    stores: memory,
    by: healthy,
  },
  {
    name: 'memory-nobody-is-woken',
    file: 'src/backends/memory/store.ts',
    find: '    for (const changed of [...(this.#watchers.get(name) ?? [])]) changed()\n',
    put: '',
    stores: memory,
    by: prompt,
  },
]

export const mutants = [
  ...session,
  ...hold,
  ...acquire,
  ...onEtcd,
  ...onConsul,
  ...inMemory,
  ...ofLeaders,
  ...ofCron,
  ...ofWork,
  ...ofForeigners,
]
