// The requests about services of the agent, which shows them to DNS. Owns how an agent says that it has no such service:
// its versions differ. requests.ts has all other requests.
// https://developer.hashicorp.com/consul/api-docs/agent/service and /agent/check

import { quoted } from '../../../base/printable.ts'
import type { Announcement } from '../../../contract.ts'
import type { Answer } from './answers.ts'
import type { Request } from './requests.ts'

/** An agent answers these at once, without its servers. */
const limitMs = 5_000
/** The shortest time after which Consul removes a service whose check fails. */
const removeAfter = '1m'

/** Registers a service whose check passes, or replaces it. */
export function serviceRegistration(announcement: Announcement): Request<void> {
  const { id, service, port, address, tags, about, forMs } = announcement
  const check = { Name: about, TTL: `${Math.ceil(forMs)}ms`, Status: 'passing' }
  const body = {
    ...{ ID: id, Name: service, Port: port, Address: address, Tags: tags },
    Check: { ...check, DeregisterCriticalServiceAfter: removeAfter },
  }
  const text = JSON.stringify(body)
  return { ...aboutServices('service/register', service), body: text, read: () => {} }
}

/** Lets the check of a service pass. The result says whether the agent has it. */
export function checkPass(id: string): Request<boolean> {
  return {
    ...aboutServices(`check/pass/${encodeURIComponent(`service:${id}`)}`, ''),
    understands: isUnknown,
    read: (answer) => !isUnknown(answer),
  }
}

/** Removes a service and its check. */
export function serviceDeregistration(id: string): Request<void> {
  return {
    ...aboutServices(`service/deregister/${encodeURIComponent(id)}`, ''),
    understands: isUnknown,
    read: () => {},
  }
}

/** Up to 1.8 an agent answers 500 about a check that it does not have; later ones 404, also about a service. */
function isUnknown({ status, text }: Answer): boolean {
  return (
    status === 404 || (status === 500 && /does not have associated TTL|Unknown (check|service)/i.test(text))
  )
}

function aboutServices(path: string, service: string) {
  const scope = service === '' ? 'service_prefix ""' : `service ${quoted(service)}`
  const rule = (): string => `${scope} { policy = "write" }`
  return { method: 'PUT', path: `/agent/${path}`, lane: 'renewal', limitMs, rule } as const
}
