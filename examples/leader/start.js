// Plays two hosts: one leads, it is killed, and the other one takes over.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('worker.js', import.meta.url))
const ports = await Promise.all([freePort(), freePort()])
const workers = ports.map((port) =>
  spawn(process.execPath, [program], { stdio: 'inherit', env: { ...process.env, PORT: String(port) } }),
)
const first = await leaderAmong(ports)
console.log(`probes of the leader: ${await probes(first)}`)
const [other = 0] = ports.filter((port) => port !== first)
while ((await ask(other, '/readyz')) !== 200) await setTimeout(50)
console.log(`probes of the standby: ${await probes(other)}`)

console.log(`${first} is killed`)
workers[ports.indexOf(first)]?.kill('SIGKILL')
console.log(`probes of the next leader: ${await probes(await leaderAmong([other]))}`)
const standby = workers[ports.indexOf(other)]
standby?.kill('SIGTERM')
if (standby) await once(standby, 'exit')

/** @param {number[]} candidates */
async function leaderAmong(candidates) {
  for (;;) {
    for (const port of candidates) if ((await ask(port, '/leader')) === 200) return port
    await setTimeout(50)
  }
}

/** @param {number} port */
async function probes(port) {
  const paths = ['/healthz', '/readyz', '/leader']
  return (await Promise.all(paths.map(async (path) => `${path} ${await ask(port, path)}`))).join(', ')
}

/** @param {number} port @param {string} path */
async function ask(port, path) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined) // it is not up yet
  return answer?.status
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
