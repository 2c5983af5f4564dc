// The meaning of an answer if a session's place does not exist: its node, a check of that node, or the datacenter. Consul
// answers 500 then, as in an outage, though a repeated request has the same answer.
import { RefusedError } from '../../../base/errors.ts'
import { oneLine, quoted } from '../../../base/printable.ts'
import { type Answer, Fault } from './answers.ts'
import type { SessionPlan } from './transport.ts'

/** The fault if Consul has no such node, check or datacenter. Undefined for every other answer. */
export function misplaced({ status, text }: Answer, { node }: SessionPlan, dc?: string): Fault | undefined {
  const wrong = (advice: string): Fault =>
    new Fault(RefusedError, `${oneLine(text)} (${status}): ${advice}`, { status })
  const where = dc === undefined ? '' : ` in the datacenter ${quoted(dc)}`
  const [, check] = /Missing check '([^']*)'/.exec(text) ?? []
  if (check !== undefined) return wrong(`checks: the node has no check ${quoted(check)}`)
  if (text.includes('No path to datacenter'))
    return dc === undefined ? undefined : wrong(`dc: the agent knows no datacenter ${quoted(dc)}`)
  if (!text.includes('Missing node registration')) return undefined
  if (node !== undefined) return wrong(`node: there is no node ${quoted(node)}${where}`)
  // Without either it is the agent's own node, which is not in the catalog yet.
  return dc === undefined
    ? undefined
    : wrong(`node: name a node${where}, since that of the agent is not there`)
}
