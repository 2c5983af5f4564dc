// Questions to one member about itself, for `leasehold doctor`: its status, and its time. Owns a connection for each
// question, so that no other request disturbs it. The library does not load this file.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { untilAborted } from '../../../../base/abort.ts'
import type { Clock } from '../../../../base/clock.ts'
import type { Auth, Credentials } from '../../../shared/credentials.ts'
import { callMsMax } from '../link.ts'
import { translate } from './failures.ts'
import { Connection, type Metadata } from './grpc.ts'
import { targetOf } from './link.ts'
import { Login } from './login.ts'
import { type MemberStatus, status } from './messages.ts'
import { GrpcError } from './status.ts'

/** A member and the credentials for it. */
export interface Probed {
  readonly address: string
  readonly credentials: Credentials
  readonly clock: Clock
}

/**
 * The member's status. Rejects as requests of the library do. Most versions of etcd tell it without a login, so a wrong
 * password is a finding of its own.
 */
export function askStatus(probed: Probed, signal: AbortSignal): Promise<MemberStatus> {
  const { auth } = probed.credentials
  return withConnection(probed, async (connection) => {
    const ask = (metadata: Metadata) => connection.call(status, {}, { metadata, signal, limitMs: callMsMax })
    try {
      return await ask({})
    } catch (error) {
      if (!auth || !(error instanceof GrpcError)) throw error
      return ask(await new Login(connection, auth, probed.clock).metadata(signal))
    }
  })
}

/** Logs in as this user. Rejects as requests of the library do: with RefusedError for a wrong password. */
export function logIn(probed: Probed, auth: Auth, signal: AbortSignal): Promise<void> {
  return withConnection(probed, async (connection) => {
    await new Login(connection, auth, probed.clock).metadata(signal)
  })
}

async function withConnection<T>(
  { address, credentials, clock }: Probed,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = new Connection(targetOf(address, credentials), clock)
  try {
    return await ask(connection)
  } catch (error) {
    throw translate(error, address)
  } finally {
    connection.close()
  }
}

/** The header Date of an answer over HTTP/1.1, on the same port. Rejects with an error of the socket. */
export function askDate({ address, credentials }: Probed, signal: AbortSignal): Promise<string | undefined> {
  const { url, tls } = targetOf(address, credentials)
  const ask = credentials.tls ? httpsRequest : httpRequest
  return untilAborted(signal, ({ resolve, reject }) => {
    const sent = ask(`${url}/version`, { ...tls, agent: false, ALPNProtocols: ['http/1.1'] } as object)
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.resume()
      resolve(response.headers.date)
    })
    sent.end()
    return () => sent.destroy()
  })
}
