// Faults of etcd's versions that a user of locks has to know, as data. The changelogs of etcd have the versions:
// https://github.com/etcd-io/etcd/tree/main/CHANGELOG
import type { KnownFault } from '../shared/versions.ts'

/** Without a lock-delay each version has it: we saw it in 14 of 40 rounds, on five versions from 3.4.23 to 3.7.3. */
export const earlyRevoke: KnownFault = {
  id: 'etcd-io/etcd#15247',
  level: 'warning',
  fixed: [],
  text: 'a leader that was stopped for a while can end leases that were renewed, and then two clients hold',
  next: 'if that matters, give all clients of a name a lock-delay: etcd://host/?lockDelayMs=15000',
}

/** A fault for clusters whose users do not trust each other. */
export const uncheckedRequests: KnownFault = {
  id: 'CVE-2026-33413',
  level: 'note',
  fixed: ['3.4.42', '3.5.28', '3.6.9'],
  text: 'some requests are not checked against the permissions of the user, renewals among them',
  next: 'if users of this etcd do not trust each other, upgrade to 3.4.42, 3.5.28 or 3.6.9 or later',
}

/** The others. */
export const knownFaults: readonly KnownFault[] = [
  {
    id: 'etcd-io/etcd#13766',
    level: 'problem',
    since: '3.5.0',
    fixed: ['3.5.3'],
    text: 'a member that is killed under load can have other data than the others, locks included',
    next: 'upgrade to 3.5.3 or later, and compare the members: etcdctl endpoint hashkv --cluster',
  },
  {
    id: 'etcd-io/etcd#14370',
    level: 'warning',
    fixed: ['3.4.21', '3.5.5'],
    text: 'a cluster of a single member can lose a write that it has confirmed, if it crashes',
    next: 'upgrade to 3.4.21 or 3.5.5 or later, or run three members',
  },
  {
    id: 'etcd-io/etcd#17612',
    level: 'note',
    since: '3.5.0',
    fixed: ['3.5.13'],
    text: 'a watch can miss events after a compaction: a waiter may learn of its turn up to one time to live late',
    next: 'upgrade to 3.5.13 or later',
  },
  {
    id: 'renewal of a lease that has ended',
    level: 'note',
    fixed: ['3.4.38', '3.5.23', '3.6.5'],
    text: 'a renewal of a lease that has just ended can be confirmed: a holder learns of that loss by its watch only',
    next: 'upgrade to 3.4.38, 3.5.23 or 3.6.5 or later',
  },
]
