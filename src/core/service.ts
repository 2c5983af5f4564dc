// Checks the service as which a leader is announced. arguments.ts has all other options of elections.

import type { LeaderService } from '../api/election.ts'
import { type Kind, list, number, object, show, type TableOf, text } from '../base/options.ts'
import type { Facts } from '../contract.ts'

const serviceName: Kind = {
  ...text(),
  required: true,
  judge(value, argument) {
    const verdict = text().judge(value, argument)
    if (verdict !== 'fits' || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i.test(String(value))) return verdict
    const takes = 'it takes up to 63 letters, digits and hyphens, as a name in DNS does'
    throw new RangeError(`${argument}: ${show(value)} cannot be found by DNS; ${takes}`)
  },
}

const service: TableOf<LeaderService> = {
  name: serviceName,
  port: { ...number({ min: 1, max: 65_535, whole: true }), required: true },
  address: { ...text(), alsoCalled: ['host', 'ip'] },
  tags: list(text(), 'tags'),
}

/** The service of a leader; a TypeError on a store without a catalog. */
export function serviceOf({ catalog, scheme }: Facts): Kind {
  const kind = object(service, 'service.')
  if (catalog) return kind
  const judge: Kind['judge'] = (value, argument) => {
    const verdict = kind.judge(value, argument)
    if (verdict !== 'fits') return verdict
    throw new TypeError(`${argument}: ${scheme} has no catalog of services; Consul has one`)
  }
  return { ...kind, judge }
}
