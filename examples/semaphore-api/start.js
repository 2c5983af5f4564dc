// Plays an API that refuses more than three calls at a time, and four workers with five calls each.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

let running = 0
let most = 0
const api = createServer(async (_request, response) => {
  running += 1
  most = Math.max(most, running)
  response.statusCode = running > 3 ? 429 : 200
  await setTimeout(50)
  running -= 1
  response.end('done')
})
api.listen(0, '127.0.0.1')
await once(api, 'listening')

const address = api.address()
const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
const program = fileURLToPath(new URL('worker.js', import.meta.url))
const workers = Array.from({ length: 4 }, () => spawn(process.execPath, [program, url], { stdio: 'inherit' }))
const ends = await Promise.all(workers.map((worker) => once(worker, 'exit')))
api.close()

console.log(`at most ${most} calls at a time`)
process.exitCode = ends.every(([code]) => code === 0) ? 0 : 1
