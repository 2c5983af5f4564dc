// Faults of Consul's versions that a user of locks has to know, as data.
import type { KnownFault } from '../shared/versions.ts'

/** The faults. */
export const knownFaults: readonly KnownFault[] = [
  {
    id: 'hashicorp/consul#22822',
    level: 'note',
    since: '1.21.5',
    fixed: ['1.21.6'],
    text: 'keys with other characters than letters, digits and _,./-?&= are refused: consul lock cannot use such names',
    next: 'Leasehold encodes them and works; for programs that do not, upgrade to 1.21.6 or later',
  },
]
