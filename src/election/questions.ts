// The parts of a client that its elections share: the questions that belong to no claim, and the candidacies. Owns nothing
// else.
import type { Clock } from '../base/clock.ts'
import { Scope } from '../base/scope.ts'
import type { Backend } from '../contract.ts'
import { tell } from '../core/events.ts'
import { once, persist } from '../core/request.ts'
import type { Sessions } from '../core/sessions.ts'
import { Candidacies } from './candidacies.ts'
import type { ElectionClient } from './election.ts'
import { type Questions, Sights } from './sights.ts'

/** The parts of a client that its elections share. */
export function electionQuestions(
  backend: Backend,
  clock: Clock,
  sessions: Sessions,
): Pick<ElectionClient, 'candidacies' | 'line' | 'overtake' | 'observe' | 'sights' | 'announce' | 'retract'> {
  // Also while the client closes: a leader that ends takes its service away.
  const alone = sessions.request(new Scope())
  const observe: Questions['observe'] = (name, scope, retries) =>
    persist({ ...sessions.request(scope), retries }, 'observe', (signal) => backend.observe(name, signal))
  const leaderChanged: Questions['leaderChanged'] = (name, seen, signal) =>
    backend.leaderChanged(name, seen, signal)
  const changed: Questions['changed'] = (name, leader) =>
    tell('leasehold:leader.changed', () => {
      const mine = leader !== undefined && leader.session === sessions.live?.id
      return { ...sessions.origin, name, leader, mine, seenBy: 'observer' }
    })
  return {
    candidacies: new Candidacies(() => sessions.live?.id),
    announce: async (announcement) =>
      once(alone, 'announce', async (signal) => backend.announce?.(announcement, signal)),
    retract: async (id) => once(alone, 'retract', async (signal) => backend.retract?.(id, signal)),
    line: (name, scope) => persist(sessions.request(scope), 'line', (signal) => backend.line(name, signal)),
    overtake: (name, overtaking, scope) =>
      persist(sessions.request(scope), 'overtake', (signal) => backend.overtake(name, overtaking, signal)),
    observe,
    sights: new Sights({ clock, ttlMs: sessions.ttlMs, observe, leaderChanged, changed }),
  }
}
