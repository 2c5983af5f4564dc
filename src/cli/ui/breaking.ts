// Answers the request of the page to break a lock. Owns its checks and its messages.
import type { Leasehold } from '../../api/leasehold.ts'
import { quoted } from '../../base/printable.ts'
import { checkName } from '../../core/arguments.ts'
import { who } from '../../core/holder.ts'
import { breakShown } from '../break-shown.ts'
import { exitStatus, messageOf, statusOf } from '../exit.ts'
import type { JsonAnswer } from './server.ts'
import type { BreakAnswer } from './ui-messages.ts'

/**
 * Takes the lock from the holder with the token that the page showed. The body is `{ "name": …, "token": "4711" }`. Never
 * rejects: each error becomes an answer.
 */
export async function answerBreak(client: Leasehold, body: string): Promise<JsonAnswer> {
  try {
    const { name, token } = askedFor(body)
    const { loser, broken } = await breakShown(client, name, token)
    if (broken) return answer(200, true, `${quoted(name)}: taken from ${loser ? who(loser) : 'its holder'}.`)
    const nobody = `${quoted(name)}: nothing was changed, since nobody holds it with token ${token} now.`
    return answer(409, false, nobody)
  } catch (error) {
    const status = statusOf(error)
    return answer(status === exitStatus.usage ? 400 : 503, false, messageOf(error))
  }
}

/** The answer of a server that only shows. */
export function refuseBreak(): Promise<JsonAnswer> {
  return Promise.resolve(answer(403, false, 'Start leasehold ui with --allow-break to break locks here.'))
}

function answer(status: number, broken: boolean, message: string): JsonAnswer {
  const document: BreakAnswer = { broken, message }
  return { status, document }
}

function askedFor(body: string): { name: string; token: bigint } {
  const { name, token } = parsed(body)
  if (typeof name !== 'string') throw new TypeError('name: it takes a string')
  checkName(name)
  if (typeof token !== 'string' || !/^[1-9]\d{0,18}$/.test(token))
    throw new TypeError('token: it takes the digits that the page shows, as a string')
  return { name, token: BigInt(token) }
}

function parsed(body: string): { name?: unknown; token?: unknown } {
  try {
    return Object(JSON.parse(body))
  } catch (cause) {
    throw new TypeError('body: it takes an object of JSON with name and token', { cause })
  }
}
