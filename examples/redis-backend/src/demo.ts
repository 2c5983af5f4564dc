// Two clients take turns under a lock that one Redis keeps: `npm start`.
import { connect } from 'leasehold'
import { redis } from './redis.js'

const source = redis(process.env.REDIS_URL ?? 'redis://127.0.0.1:6379')
const hosts = await Promise.all(
  ['one', 'other'].map(async (name) => ({ name, client: await connect(source) })),
)
await Promise.all(
  hosts.map(({ name, client }) =>
    client.mutex('redis-demo').run(async (hold) => {
      console.log(`${name} works, fenced by token ${hold.token}`)
      hold.assertHeld(200)
    }),
  ),
)
await Promise.all(hosts.map(({ client }) => client.close()))
